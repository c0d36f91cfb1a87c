#include "setup/server_files.h"

#include <algorithm>
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
    if (i > 0 && !info.key_weakness.empty()) {
      add(faults,
          fmt::format("ssl_cert_file: {}: {}; the server says \"ca key too small\"", info.subject,
                      info.key_weakness),
          "issue that authority anew");
    }
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

// What nobody looks up is no fault as long as a hashed name says the same.
void check_names(const std::string& directory, const std::vector<pki::RevocationList>& unhashed,
                 const std::vector<pki::RevocationList>& hashed, Faults& faults) {
  for (const auto& list : unhashed) {
    bool found = std::ranges::any_of(
        hashed, [&](const auto& other) { return other.issuer_hash() == list.issuer_hash(); });
    if (found) continue;
    add(faults,
        fmt::format("ssl_crl_dir: the list of {} in {} is not found by the server: its name must "
                    "be {}.r0",
                    list.issuer(), directory, list.issuer_hash()),
        fmt::format("openssl rehash {}", directory));
  }
}

void load_crl_directory(const std::string& directory, std::vector<pki::RevocationList>& lists,
                        Faults& faults) {
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (error) {
    return add(faults, fmt::format("ssl_crl_dir: cannot read {}: {}", directory, error.message()));
  }
  std::vector<pki::RevocationList> unhashed;
  for (const auto& entry : entries) {
    std::string name = entry.path().filename().string();
    auto loaded = pki::RevocationList::load(entry.path().string());
    if (!loaded) {
      if (is_hashed_crl_name(name)) {
        add(faults, fmt::format("ssl_crl_dir: {}", loaded.error().text()));
      }
      continue;
    }
    for (auto& list : *loaded) {
      bool hashed = is_hashed_crl_name(name) && name.starts_with(list.issuer_hash());
      (hashed ? lists : unhashed).push_back(std::move(list));
    }
  }
  check_names(directory, unhashed, lists, faults);
}

std::vector<pki::RevocationList> load_crls(const ServerFiles& files, Faults& faults) {
  std::vector<pki::RevocationList> lists;
  if (!files.crl_directory.empty()) load_crl_directory(files.crl_directory, lists, faults);
  if (files.crl.empty()) return lists;
  auto loaded = pki::RevocationList::load(files.crl);
  if (!loaded) {
    add(faults, fmt::format("ssl_crl_file: {}", loaded.error().text()));
    return lists;
  }
  auto text = read_file(files.crl);
  if (text && text->find("-----BEGIN ") == std::string::npos) {
    add(faults, fmt::format("ssl_crl_file: {} is not PEM", files.crl),
        fmt::format("convert it: openssl crl -inform der -in {} -out new.crl", files.crl));
  }
  for (auto& list : *loaded) lists.push_back(std::move(list));
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
      bool newer = !own || list.last_update() > own->last_update();
      if (list.signed_by(authority) && newer) own = &list;
    }
    const std::string& subject = authority.info().subject;
    if (!own) {
      add(faults,
          fmt::format("no CRL of the authority {}: the server would refuse every client with it "
                      "in its chain",
                      subject),
          "make one for every CA of the chain: sallyport pki crl");
    } else if (own->next_update() != 0 && own->next_update() < now) {
      add(faults,
          fmt::format("the CRL of {} is outdated: the server would refuse everybody", subject),
          "sallyport pki crl");
    } else if (own->last_update() > now) {
      add(faults,
          fmt::format("the CRL of {} is not valid yet: the server would refuse everybody", subject),
          "look at the clocks of this machine and of the authority's");
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

std::vector<FileFault> check_revocation(const ServerFiles& files) {
  Faults faults;
  check_crls(files, load_pem(files.authorities, "ssl_ca_file", faults), faults);
  return faults;
}

bool is_hashed_crl_name(std::string_view name) {
  return name.size() > 10 && name.find_first_not_of("0123456789abcdef") == 8 &&
         name.substr(8, 2) == ".r" &&
         name.substr(10).find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace sallyport::setup
