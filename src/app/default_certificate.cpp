#include "app/default_certificate.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/staged_files.h"
#include "pki/authority.h"

namespace sallyport::app {
namespace {

constexpr int kDays = 3650;

// A path, or the PEM text itself.
Result<std::string> content_of(const std::string& value, std::string_view setting) {
  if (value.find("-----BEGIN ") != std::string::npos) return value;
  auto content = read_file(value);
  if (!content) {
    return fail("conf.certificate", Side::config,
                fmt::format("{}: {}", setting, content.error().detail));
  }
  return *content;
}

Result<void> make_default(const std::string& certificate_path, const std::string& key_path) {
  auto key = pki::Key::generate(pki::KeySpec{});
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

}  // namespace

Result<std::string> pem_text(const conf::Settings& settings, conf::Key key) {
  return content_of(settings.string(key), conf::name(key));
}

Result<proxy::Certificate> server_certificate(const conf::Settings& settings, conf::Key certificate,
                                              conf::Key key) {
  const auto& certificates = settings.list(certificate);
  const auto& keys = settings.list(key);
  std::string certificate_path;
  std::string key_path;
  if (certificates.empty() != keys.empty()) {
    return fail("conf.certificate", Side::config,
                fmt::format("{} and {} go together", conf::name(certificate), conf::name(key)));
  }
  if (certificates.empty()) {
    std::string directory = settings.string(conf::Key::prefix) + "/ssl";
    if (auto made = make_directories(directory, 0700); !made) return fail(made.error());
    certificate_path = directory + "/kong-default.crt";
    key_path = directory + "/kong-default.key";
    bool there = access(certificate_path.c_str(), R_OK) == 0 && access(key_path.c_str(), R_OK) == 0;
    if (!there) {
      if (auto made = make_default(certificate_path, key_path); !made) return fail(made.error());
    }
  } else {
    certificate_path = certificates.front();
    key_path = keys.front();
  }
  proxy::Certificate pair;
  auto chain = content_of(certificate_path, conf::name(certificate));
  if (!chain) return fail(chain.error());
  auto secret = content_of(key_path, conf::name(key));
  if (!secret) return fail(secret.error());
  pair.chain_pem = std::move(*chain);
  pair.key_pem = Secret(std::move(*secret));
  return pair;
}

}  // namespace sallyport::app
