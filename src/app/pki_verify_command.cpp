#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/pki_commands.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/terminal.h"
#include "base/text.h"
#include "pki/file_verification.h"
#include "pki/picture.h"

namespace sallyport::app {
namespace {

struct Options {
  pki::FileVerificationOptions verify;
  std::string purpose;
  bool json = false;
};

std::string_view to_word(pki::Purpose purpose) {
  return purpose == pki::Purpose::server   ? "server"
         : purpose == pki::Purpose::client ? "client"
                                           : "any";
}

void print_json(const pki::FileVerification& verified) {
  const pki::Verification& result = verified.result;
  Json chain = Json::array();
  for (const pki::Certificate& one : result.chain) {
    chain.push_back(pki::to_json(one.info(), unix_seconds()));
  }
  Json findings = Json::array();
  for (const auto& [subject, finding] : verified.findings) {
    findings.push_back({{"subject", subject}, {"id", finding.id}, {"text", finding.text}});
  }
  Json out = {{"valid", result.valid},       {"purpose", to_word(verified.purpose)},
              {"trusted", verified.trusted}, {"error", result.error},
              {"depth", result.depth},       {"openssl", result.openssl},
              {"cause", result.cause},       {"remedy", result.remedy},
              {"chain", std::move(chain)},   {"findings", std::move(findings)}};
  fmt::print("{}\n", out.dump(2, ' ', false, Json::error_handler_t::replace));
}

void print_text(const Options& options, const pki::FileVerification& verified) {
  TextStyle style = text_style(1);
  const pki::Verification& result = verified.result;
  fmt::print("{}", pki::picture(result.chain, {style, unix_seconds()}));
  std::string as = verified.purpose == pki::Purpose::any
                       ? ""
                       : fmt::format(" as a {} certificate", to_word(verified.purpose));
  std::string host = options.verify.host.empty() ? "" : " for " + options.verify.host;
  std::string trusted = text::join(verified.trusted, ", ");
  if (result.valid) {
    fmt::print("{}: {} verifies{}{} against {}\n", style.paint(Colour::green, "OK"),
               options.verify.file, as, host, trusted);
  } else {
    fmt::print("{}: {} does not verify{}{} against {}\n", style.paint(Colour::red, "FAILED"),
               options.verify.file, as, host, trusted);
    fmt::print("  cause:   {}\n", printable(result.cause));
    if (!result.remedy.empty()) fmt::print("  remedy:  {}\n", result.remedy);
    fmt::print("  OpenSSL: {} ({}), at depth {}\n", result.openssl, result.error, result.depth);
  }
  for (const auto& [subject, finding] : verified.findings) {
    if (finding.weight == pki::Finding::Weight::note) continue;
    std::string line = printable(fmt::format("{} {}", subject, finding.text));
    fmt::print("{} {}\n", style.paint(Colour::yellow, "warning:"), line);
  }
}

int run(const Options& options) {
  pki::FileVerificationOptions wanted = options.verify;
  if (options.purpose == "server") {
    wanted.purpose = pki::Purpose::server;
  } else if (options.purpose == "client") {
    wanted.purpose = pki::Purpose::client;
  } else if (!options.purpose.empty()) {
    return report_error({"pki.purpose", Side::config, Retry::never,
                         fmt::format("unknown purpose `{}`", options.purpose),
                         "Use server or client"});
  }
  auto verified = pki::verify_file(wanted);
  if (!verified) return report_error(verified.error());
  if (options.json) {
    print_json(*verified);
  } else {
    print_text(options, *verified);
  }
  return verified->result.valid ? 0 : 1;
}

}  // namespace

Action pki_verify_command(CLI::App& command) {
  auto options = std::make_shared<Options>();
  pki::FileVerificationOptions& wanted = options->verify;
  auto repeatable = [&](const char* name, std::vector<std::string>& list, const char* what) {
    command.add_option(name, list, what)->type_name("PATH")->allow_extra_args(false);
  };
  command.add_option("FILE", wanted.file, "The certificate, then what is sent with it")->required();
  repeatable("--trusted", wanted.trusted,
             "Trust file; repeatable (default: chain.crt or root.crt beside FILE; FILE itself when "
             "it is self-signed)");
  repeatable("--untrusted", wanted.untrusted, "Further intermediates; repeatable");
  repeatable("--crl", wanted.crls,
             "Revocation lists, a file or a hashed directory; repeatable. Every authority of the "
             "chain then needs one");
  command
      .add_option("--purpose", options->purpose,
                  "server or client (default: what the certificate, or its file name, says)")
      ->type_name("WORD");
  command.add_option("--host", wanted.host, "Name or address that must be among its names")
      ->type_name("NAME");
  command
      .add_option("--depth", wanted.max_depth,
                  "Intermediates allowed, as lua_ssl_verify_depth counts them (default: any)")
      ->type_name("N");
  command.add_flag("--strict", wanted.strict, "Demand what `openssl verify -x509_strict` demands");
  command.add_flag("--json", options->json, "For programs");
  command.footer(
      "Judges as OpenSSL, libpq (verify-full) and PostgreSQL do, and says in plain words why a\n"
      "certificate is refused and what to do. Exit code 0: it verifies, 1: it does not.\n"
      "\n"
      "Examples:\n"
      "  sallyport pki verify server.crt --host db.example.com\n"
      "  sallyport pki verify client.crt --trusted chain.crt --crl crl\n"
      "  sallyport pki verify server.crt --trusted root.crt --depth 1 --strict");
  return [options] { return run(*options); };
}

}  // namespace sallyport::app
