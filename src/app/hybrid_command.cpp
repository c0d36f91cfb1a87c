#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "base/clock.h"
#include "base/file.h"
#include "pki/authority.h"

namespace sallyport::app {
namespace {

struct Options {
  std::string certificate = "cluster.crt";
  std::string key = "cluster.key";
  int days = 1095;
};

Result<void> generate(const Options& options) {
  for (const std::string& path : {options.certificate, options.key}) {
    if (!std::filesystem::exists(path)) continue;
    return fail("hybrid.exists", Side::config, fmt::format("{} exists already", path),
                "Remove it first, or name other files");
  }
  auto key = pki::Key::generate({});
  if (!key) return fail(key.error());
  pki::CertificateRequest request;
  // With cluster_mtls = shared both sides show this certificate, and check it by its key.
  request.role = pki::Role::client;
  request.server_auth = request.client_auth = true;
  request.common_name = "kong_clustering";
  request.days = options.days;
  auto certificate = pki::issue(request, *key, nullptr, unix_seconds());
  if (!certificate) return fail(certificate.error());
  auto pem = key->to_pem(Secret());
  if (!pem) return fail(pem.error());
  auto written = write_file_atomically(options.key, pem->reveal(), 0600);
  if (!written) return written;
  return write_file_atomically(options.certificate, certificate->pem(), 0644);
}

}  // namespace

Action hybrid_command(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.require_subcommand(1);
  CLI::App* verb = command.add_subcommand(
      "gen_cert", "Make the certificate and key that all nodes of a cluster share");
  verb->add_option("CERT", options->certificate, "Where to write the certificate")
      ->capture_default_str();
  verb->add_option("KEY", options->key, "Where to write its key")->capture_default_str();
  verb->add_option("-d,--days", options->days, "Validity")
      ->capture_default_str()
      ->check(CLI::Range(1, 36500));
  constexpr const char* kExamples =
      "Example:\n"
      "  sallyport hybrid gen_cert /etc/kong/cluster.crt /etc/kong/cluster.key\n"
      "  # then, on every node: cluster_cert and cluster_cert_key";
  verb->footer(kExamples);
  command.footer(kExamples);
  return [options] {
    if (auto made = generate(*options); !made) {
      fmt::print(stderr, "Error: {}\n", made.error().text());
      return 1;
    }
    fmt::print(
        "Successfully generated certificate/key pairs, they have been written to: "
        "'{}' and '{}'.\n",
        options->certificate, options->key);
    return 0;
  };
}

}  // namespace sallyport::app
