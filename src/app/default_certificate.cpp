#include "app/default_certificate.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/staged_files.h"
#include "base/text.h"
#include "pki/authority.h"

namespace sallyport::app {
namespace {

constexpr int kDays = 3650;

Result<void> make_default(const pki::KeySpec& spec, const std::string& certificate_path,
                          const std::string& key_path) {
  auto key = pki::Key::generate(spec);
  if (!key) return fail(key.error());
  pki::CertificateRequest request;
  request.common_name = "localhost";
  request.names = {"localhost", "127.0.0.1", "::1"};
  request.days = kDays;
  auto certificate = pki::issue(request, *key, nullptr, unix_seconds());
  if (!certificate) return fail(certificate.error());
  auto pem = key->to_pem(Secret());
  if (!pem) return fail(pem.error());
  StagedFiles files;
  if (auto staged = files.stage(key_path, pem->reveal(), 0600); !staged) return staged;
  if (auto staged = files.stage(certificate_path, certificate->pem(), 0644); !staged) return staged;
  if (auto done = files.commit(); !done) return done;
  log::notice("made a self-signed certificate for the ssl listeners: {}", certificate_path);
  return {};
}

Result<void> add_default(proxy::Certificates& out, const pki::KeySpec& spec,
                         const std::string& stem, std::string_view setting) {
  const std::string certificate = stem + ".crt";
  const std::string key = stem + ".key";
  if (access(certificate.c_str(), R_OK) != 0 || access(key.c_str(), R_OK) != 0) {
    if (auto made = make_default(spec, certificate, key); !made) return made;
  }
  auto pair = read_pair(certificate, key, setting);
  if (!pair) return fail(pair.error());
  out.push_back(std::move(*pair));
  return {};
}

}  // namespace

Result<std::string> pem_of(const std::string& value, std::string_view setting) {
  if (value.find("-----BEGIN ") != std::string::npos) return value;
  if (auto decoded = text::from_base64(value);
      decoded && decoded->find("-----BEGIN ") != std::string::npos) {
    return *std::move(decoded);
  }
  auto content = read_file(value);
  if (!content) {
    return fail("conf.certificate", Side::config,
                fmt::format("{}: {}", setting, content.error().detail));
  }
  return *content;
}

Result<proxy::Certificate> read_pair(const std::string& certificate, const std::string& key,
                                     std::string_view setting) {
  proxy::Certificate pair;
  auto chain = pem_of(certificate, setting);
  if (!chain) return fail(chain.error());
  auto secret = pem_of(key, fmt::format("{}_key", setting));
  if (!secret) return fail(secret.error());
  pair.chain_pem = std::move(*chain);
  pair.key_pem = Secret(std::move(*secret));
  return pair;
}

Result<proxy::Certificates> server_certificates(const conf::Settings& settings,
                                                conf::Key certificate, conf::Key key) {
  const auto& certificates = settings.list(certificate);
  const auto& keys = settings.list(key);
  if (certificates.size() != keys.size()) {
    return fail("conf.certificate", Side::config,
                fmt::format("{} and {} go together", conf::name(certificate), conf::name(key)));
  }
  proxy::Certificates out;
  for (size_t i = 0; i < certificates.size(); ++i) {
    auto pair = read_pair(certificates[i], keys[i], conf::name(certificate));
    if (!pair) return fail(pair.error());
    out.push_back(std::move(*pair));
  }
  if (!out.empty()) return out;
  const std::string directory = settings.string(conf::Key::prefix) + "/ssl";
  if (auto made = make_directories(directory, 0700); !made) return fail(made.error());
  const pki::KeySpec rsa{.type = pki::KeyType::rsa, .bits = 2048};
  for (const auto& [spec, stem] :
       {std::pair{rsa, "/kong-default"}, std::pair{pki::KeySpec{}, "/kong-default-ecdsa"}}) {
    auto added = add_default(out, spec, directory + stem, conf::name(certificate));
    if (!added) return fail(added.error());
  }
  return out;
}

}  // namespace sallyport::app
