#include "setup/server_files.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "pki/certificate.h"
#include "pki/findings.h"
#include "pki/revocation.h"

namespace sallyport::setup {
namespace {

using Faults = std::vector<FileFault>;

void add(Faults& faults, std::string text, std::string remedy = {}) {
  faults.push_back({true, std::move(text), std::move(remedy)});
}
void warn(Faults& faults, std::string text, std::string remedy = {}) {
  faults.push_back({false, std::move(text), std::move(remedy)});
}

// PostgreSQL reads PEM only, for certificates.
std::vector<pki::Certificate> load_pem(const std::string& path, std::string_view setting,
                                       Faults& faults) {
  auto text = read_file(path);
  if (!text) {
    add(faults, fmt::format("{}: {}", setting, text.error().detail));
    return {};
  }
  if (text->find("-----BEGIN ") == std::string::npos) {
    add(faults, fmt::format("{}: {} is not PEM; PostgreSQL says \"no start line\"", setting, path),
        fmt::format("convert it: openssl x509 -inform der -in {} -out new.crt", path));
    return {};
  }
  auto certificates = pki::Certificate::parse(*text, path);
  if (!certificates) {
    add(faults, fmt::format("{}: {}", setting, certificates.error().text()));
    return {};
  }
  return *certificates;
}

void check_key(const ServerFiles& files, const pki::Certificate& leaf, Faults& faults) {
  auto text = read_file(files.key);
  if (!text) return add(faults, fmt::format("ssl_key_file: {}", text.error().detail));
  if (pki::is_encrypted_key(*text)) {
    return add(faults,
               fmt::format("ssl_key_file: {} is encrypted; without ssl_passphrase_command the "
                           "server does not start",
                           files.key),
               fmt::format("write it without a pass phrase: openssl pkey -in {} -out server.key",
                           files.key));
  }
  auto key = pki::Key::parse(*text, Secret(), files.key);
  if (!key) return add(faults, fmt::format("ssl_key_file: {}", key.error().text()));
  if (!leaf.public_key().matches(*key)) {
    add(faults,
        fmt::format("the first certificate of {} ({}) does not belong to the key {}: the server "
                    "says \"key values mismatch\"",
                    files.certificate, leaf.info().subject, files.key),
        "put the server's own certificate first, intermediates behind it");
  }
}

void check_certificate(const ServerFiles& files, Faults& faults) {
  auto chain = load_pem(files.certificate, "ssl_cert_file", faults);
  if (chain.empty()) return;
  const pki::CertificateInfo& leaf = chain.front().info();
  check_key(files, chain.front(), faults);
  if (!leaf.key_weakness.empty()) {
    add(faults,
        fmt::format("ssl_cert_file: {}: {}; the server says \"ee key too small\"",
                    files.certificate, leaf.key_weakness),
        "issue it anew: sallyport pki renew --new-key server");
  }
  for (size_t i = 0; i < chain.size(); ++i) {
    const pki::CertificateInfo& info = chain[i].info();
    if (info.weak_signature && !info.self_signed) {
      add(faults,
          fmt::format("ssl_cert_file: {} is signed with {}; the server says \"ca md too "
                      "weak\"",
                      info.subject, info.signature_algorithm),
          "issue it anew with SHA-256");
    }
  }
  if (!leaf.server_auth) {
    add(faults,
        fmt::format("ssl_cert_file: {} is not for servers ({})", leaf.subject, leaf.purpose()),
        "issue one with extendedKeyUsage serverAuth: sallyport pki issue server");
  }
  int64_t now = unix_seconds();
  for (const pki::Finding& finding : pki::findings(leaf, pki::Purpose::server, now)) {
    if (finding.id == "expired" || finding.weight != pki::Finding::Weight::note) {
      warn(faults, fmt::format("ssl_cert_file: {}", finding.text), finding.remedy);
    }
  }
}

std::vector<pki::RevocationList> load_crls(const ServerFiles& files, Faults& faults) {
  std::vector<pki::RevocationList> lists;
  auto take = [&](const std::string& path, std::string_view setting) {
    auto loaded = pki::RevocationList::load(path);
    if (!loaded) return add(faults, fmt::format("{}: {}", setting, loaded.error().text()));
    for (auto& list : *loaded) lists.push_back(std::move(list));
  };
  if (!files.crl.empty()) take(files.crl, "ssl_crl_file");
  if (files.crl_directory.empty()) return lists;
  std::error_code error;
  std::filesystem::directory_iterator entries(files.crl_directory, error);
  if (error) {
    add(faults,
        fmt::format("ssl_crl_dir: cannot read {}: {}", files.crl_directory, error.message()));
    return lists;
  }
  for (const auto& entry : entries) {
    std::string name = entry.path().filename().string();
    size_t before = lists.size();
    take(entry.path().string(), "ssl_crl_dir");
    for (size_t i = before; i < lists.size(); ++i) {
      if (name.starts_with(lists[i].issuer_hash() + ".r")) continue;
      add(faults,
          fmt::format("ssl_crl_dir: {}/{} is not found by the server: its name must be {}.r0",
                      files.crl_directory, name, lists[i].issuer_hash()),
          fmt::format("openssl rehash {}", files.crl_directory));
    }
  }
  return lists;
}

// CRL_CHECK_ALL: a CA without a current CRL locks everybody out who has it in the chain.
void check_crls(const ServerFiles& files, const std::vector<pki::Certificate>& authorities,
                Faults& faults) {
  if (files.crl.empty() && files.crl_directory.empty()) return;
  std::vector<pki::RevocationList> lists = load_crls(files, faults);
  int64_t now = unix_seconds();
  for (const pki::Certificate& authority : authorities) {
    if (!authority.info().ca) continue;
    const pki::RevocationList* own = nullptr;
    for (const auto& list : lists) {
      if (list.signed_by(authority)) own = &list;
    }
    if (!own) {
      add(faults,
          fmt::format("no CRL of the authority {}: the server would refuse every client with it "
                      "in its chain",
                      authority.info().subject),
          "make one for every CA of the chain: sallyport pki crl");
    } else if (own->next_update() != 0 && own->next_update() < now) {
      add(faults,
          fmt::format("the CRL of {} is outdated: the server would refuse everybody",
                      authority.info().subject),
          "sallyport pki crl");
    }
  }
}

}  // namespace

std::vector<FileFault> check(const ServerFiles& files, Method method, int server_major) {
  Faults faults;
  if (files.certificate.empty() || files.key.empty()) {
    add(faults, "a server certificate and its key are needed",
        "name them with --cert and --key, or a hierarchy of `sallyport pki init` with --pki");
    return faults;
  }
  check_certificate(files, faults);
  if (wants_client_certificate(method) && files.authorities.empty()) {
    add(faults,
        fmt::format("--method {} asks for client certificates, and there is no authority to check "
                    "them with: the server would start and refuse everybody",
                    to_word(method)),
        "name the authority's certificate with --ca");
  }
  if (!files.crl_directory.empty() && server_major < 14) {
    add(faults, fmt::format("ssl_crl_dir came with PostgreSQL 14; this one is {}", server_major),
        "use one file with --crl");
  }
  std::vector<pki::Certificate> authorities;
  if (!files.authorities.empty()) {
    authorities = load_pem(files.authorities, "ssl_ca_file", faults);
  }
  check_crls(files, authorities, faults);
  return faults;
}

}  // namespace sallyport::setup
