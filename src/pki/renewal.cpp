#include "pki/renewal.h"

#include <algorithm>

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/staged_files.h"
#include "pki/backup.h"
#include "pki/directory_lock.h"
#include "pki/issuance.h"
#include "pki/key_file.h"

namespace sallyport::pki {
namespace {

constexpr int64_t kSecondsPerDay = 86400;

bool exists(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0;
}

// As long as it was made for; the minutes before notBefore are not part of it.
int days_of(const CertificateInfo& info) {
  int64_t days = (info.not_after - info.not_before) / kSecondsPerDay;
  return static_cast<int>(std::clamp<int64_t>(days, 1, 36500));
}

std::vector<std::string> certificate_files(const std::string& directory) {
  std::vector<std::string> out;
  DIR* listing = opendir(directory.c_str());
  if (listing == nullptr) return out;
  while (const dirent* entry = readdir(listing)) {
    std::string_view name = entry->d_name;
    if (name.ends_with(".crt") && !name.starts_with('.')) out.emplace_back(name);
  }
  closedir(listing);
  std::ranges::sort(out);
  return out;
}

class Renewal {
 public:
  Renewal(const Hierarchy& hierarchy, const RenewOptions& options,
          const PassphraseSource& passphrase, Certificate before)
      : hierarchy_(hierarchy),
        options_(options),
        passphrase_(passphrase),
        before_(std::move(before)),
        now_(unix_seconds()) {
    request_.like = &before_;
    request_.names = options.server_names;
    request_.days = options.days != 0 ? options.days : days_of(before_.info());
  }

  Result<RenewReport> leaf() {
    if (auto known = find_purpose(); !known) return fail(known.error());
    take_name_from_common_name();
    auto key = leaf_key();
    if (!key) return fail(key.error());
    auto issuer = leaf_issuer();
    if (!issuer) return fail(issuer.error());
    auto after = issue(request_, *key, *issuer ? &**issuer : nullptr, now_);
    if (!after) return fail(after.error());

    RenewReport report{before_, *after, {}, {}, {}};
    if (options_.new_key) {
      auto pem = key->to_pem({});
      if (!pem) return fail(pem.error());
      std::string file = options_.name + ".key";
      auto staged = stage(report, file, pem->reveal(), key_mode(hierarchy_.path(file)));
      if (!staged) return fail(staged.error());
    }
    std::string file = options_.name + ".crt";
    auto staged = stage(report, file, leaf_bundle(hierarchy_, *after),
                        certificate_mode(hierarchy_.path(file)));
    if (!staged) return fail(staged.error());
    return commit(std::move(report));
  }

  Result<RenewReport> authority(size_t position) {
    if (options_.new_key) {
      return fail("pki.new_key", Side::config,
                  fmt::format("{}: an authority keeps its key, or nothing that it signed is valid "
                              "any more",
                              before_.info().subject),
                  "Make a new hierarchy in another directory (sallyport pki init), and trust both "
                  "while you change over");
    }
    auto own = hierarchy_.authority(position, passphrase_);
    if (!own) return fail(own.error());
    std::optional<Authority> issuer;
    if (position > 0) {
      auto above = hierarchy_.authority(0, passphrase_);
      if (!above) return fail(above.error());
      issuer = std::move(*above);
    }
    request_.role = position == 0 ? Role::root : Role::intermediate;
    int below = static_cast<int>(hierarchy_.authorities().size() - 1 - position);
    request_.path_length = std::max(before_.info().path_length, below);
    auto after = issue(request_, own->key, issuer ? &*issuer : nullptr, now_);
    if (!after) return fail(after.error());

    RenewReport report{before_, *after, {}, {}, {}};
    std::string file = options_.name + ".crt";
    auto staged = stage(report, file, after->pem(), certificate_mode(hierarchy_.path(file)));
    if (!staged) return fail(staged.error());
    if (auto replaced = replace_copies(report, position); !replaced) return fail(replaced.error());
    return commit(std::move(report));
  }

 private:
  Result<void> find_purpose() {
    const CertificateInfo& info = before_.info();
    bool server = options_.purpose == Purpose::server;
    bool client = options_.purpose == Purpose::client;
    if (options_.purpose == Purpose::any && info.has_extended_key_usage) {
      server = info.server_auth;
      client = info.client_auth;
    }
    if (!server && !client) {
      server = options_.name.starts_with("server");
      client = options_.name.starts_with("client");
    }
    if (!server && !client && !info.dns_names.empty()) server = true;
    if (!server && !client) {
      return fail("pki.purpose", Side::config,
                  fmt::format("{}.crt does not say what it is for", options_.name),
                  "Say --purpose server or --purpose client");
    }
    request_.role = server ? Role::server : Role::client;
    request_.server_auth = server;
    request_.client_auth = client;
    return {};
  }

  // Certificates made without subjectAltName have their host name in the CN.
  void take_name_from_common_name() {
    const CertificateInfo& info = before_.info();
    if (!request_.server_auth || !info.dns_names.empty() || !info.ip_addresses.empty()) return;
    auto name = normalize_server_name(info.common_name);
    if (name) request_.names.insert(request_.names.begin(), *name);
  }

  Result<Key> leaf_key() {
    std::string path = hierarchy_.path(options_.name + ".key");
    if (options_.new_key) {
      KeySpec spec = before_.public_key().spec();
      bool makeable = spec.type == KeyType::ed25519 ||
                      (spec.type == KeyType::rsa && spec.bits >= 2048 && spec.bits <= 4096);
      return Key::generate(options_.key.value_or(makeable ? spec : KeySpec{}));
    }
    bool self_signed = before_.info().self_signed && hierarchy_.authorities().empty();
    // Signing by an authority takes the public half only: the key may be on another machine.
    if (!self_signed && !exists(path)) return before_.public_key();
    auto key = load_key(path, self_signed ? passphrase_ : fixed_passphrase({}));
    if (!key && !self_signed && key.error().code == "pki.key_encrypted") {
      return before_.public_key();
    }
    if (!key) return fail(key.error());
    if (!before_.public_key().matches(*key)) {
      return fail("pki.key", Side::config,
                  fmt::format("{0}.key does not belong to {0}.crt", hierarchy_.path(options_.name)),
                  "Put the right key there (look into backup/), or make a new one with --new-key");
    }
    return *key;
  }

  // The authority that signed it before, else the one that signs new ones.
  Result<std::optional<Authority>> leaf_issuer() {
    for (size_t i = 0; i < hierarchy_.authorities().size(); ++i) {
      if (!before_.issued_by(hierarchy_.authorities()[i])) continue;
      auto issuer = hierarchy_.authority(i, passphrase_);
      if (!issuer) return fail(issuer.error());
      return std::optional(std::move(*issuer));
    }
    return hierarchy_.signer(passphrase_);
  }

  // Puts the renewed authority into every file of the directory that carries the old one.
  Result<void> replace_copies(RenewReport& report, size_t position) {
    std::vector<Certificate> authorities = hierarchy_.authorities();
    authorities[position] = report.after;
    for (const std::string& file : certificate_files(hierarchy_.directory())) {
      auto loaded = Certificate::load(hierarchy_.path(file));
      if (!loaded || file == options_.name + ".crt") continue;
      bool verified = verifies(*loaded, hierarchy_.authorities());
      bool changed = false;
      for (Certificate& one : *loaded) {
        if (!(one == before_)) continue;
        one = report.after;
        changed = true;
      }
      if (verified && !verifies(*loaded, authorities)) report.broken.push_back(file);
      if (!changed) continue;
      std::string content;
      for (const Certificate& one : *loaded) content += one.pem();
      auto staged = stage(report, file, content, certificate_mode(hierarchy_.path(file)));
      if (!staged) return staged;
    }
    return {};
  }

  bool verifies(const std::vector<Certificate>& presented,
                const std::vector<Certificate>& authorities) const {
    VerificationRequest request;
    request.presented = presented;
    request.trusted = authorities;
    // Whether it has expired is not the authority's business.
    const CertificateInfo& info = presented.front().info();
    request.at = std::max(info.not_before, std::min(now_, info.not_after));
    auto seen = verify(request);
    return seen && seen->valid;
  }

  Result<void> stage(RenewReport& report, const std::string& file, std::string_view content,
                     uint32_t mode) {
    report.made.push_back(file);
    return files_.stage(hierarchy_.path(file), content, mode);
  }

  Result<RenewReport> commit(RenewReport report) {
    auto backup = back_up(hierarchy_.directory(), report.made, now_);
    if (!backup) return fail(backup.error());
    report.backup = *backup;
    if (auto committed = files_.commit(); !committed) return fail(committed.error());
    return report;
  }

  const Hierarchy& hierarchy_;
  const RenewOptions& options_;
  const PassphraseSource& passphrase_;
  Certificate before_;
  int64_t now_;
  CertificateRequest request_;
  StagedFiles files_;
};

// The certificate of `file` that is to be renewed: the first, or the one of the key beside it where
// someone put the intermediate first.
Result<Certificate> leaf_of(const Hierarchy& hierarchy, const std::string& name) {
  auto loaded = Certificate::load(hierarchy.path(name + ".crt"));
  if (!loaded) return fail(loaded.error());
  auto key = load_key(hierarchy.path(name + ".key"), fixed_passphrase({}));
  for (const Certificate& one : *loaded) {
    if (key && one.public_key().matches(*key)) return one;
  }
  const Certificate& first = loaded->front();
  if (std::ranges::find(hierarchy.authorities(), first) == hierarchy.authorities().end()) {
    return first;
  }
  return fail("pki.order", Side::config,
              fmt::format("{}.crt begins with the authority {}", hierarchy.path(name),
                          first.info().subject),
              "Put the server's or client's own certificate first");
}

}  // namespace

Result<RenewReport> renew(const Hierarchy& hierarchy, const RenewOptions& options,
                          const PassphraseSource& passphrase) {
  std::optional<size_t> position;
  for (size_t i = 0; i < hierarchy.authorities().size(); ++i) {
    if (hierarchy.authority_name(i) == options.name) position = i;
  }
  if (!position) {
    if (auto checked = check_file_name(options.name); !checked) return fail(checked.error());
  }
  auto lock = DirectoryLock::take(hierarchy.directory());
  if (!lock) return fail(lock.error());
  for (const char* suffix : {".key", ".crt"}) {
    StagedFiles::remove_leftovers(hierarchy.path(options.name + suffix));
  }
  auto before = position ? Result<Certificate>(hierarchy.authorities()[*position])
                         : leaf_of(hierarchy, options.name);
  if (!before) return fail(before.error());
  Renewal renewal(hierarchy, options, passphrase, *before);
  return position ? renewal.authority(*position) : renewal.leaf();
}

}  // namespace sallyport::pki
