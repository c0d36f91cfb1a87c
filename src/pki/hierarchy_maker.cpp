// make_hierarchy(): looks at what is there, makes what is missing in memory, then puts all files in
// place at once.
#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <dirent.h>
#include <fmt/format.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/staged_files.h"
#include "base/text.h"
#include "pki/backup.h"
#include "pki/directory_lock.h"
#include "pki/hierarchy.h"
#include "pki/hierarchy_survey.h"
#include "pki/key_file.h"

namespace sallyport::pki {
namespace {

bool exists(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0;
}

class HierarchyMaker {
 public:
  explicit HierarchyMaker(const HierarchyOptions& options)
      : options_(options), slots_(slots_of(options.chain)), now_(unix_seconds()) {}

  Result<HierarchyReport> make() {
    if (auto checked = check_options(); !checked) return fail(checked.error());
    if (auto made = make_directories(options_.directory, 0700); !made) return fail(made.error());
    auto lock = DirectoryLock::take(options_.directory);
    if (!lock) return fail(lock.error());
    for (const char* file : kHierarchyFiles) StagedFiles::remove_leftovers(path(file));
    if (!options_.force) {
      HierarchySurvey survey(options_.directory, options_.chain, options_.passphrase);
      if (auto looked = survey.look(slots_); !looked) return fail(looked.error());
    }
    for (Slot& slot : slots_) {
      if (auto made = make_slot(slot); !made) return fail(made.error());
    }
    return write();
  }

 private:
  std::string path(std::string_view file) const {
    return fmt::format("{}/{}", options_.directory, file);
  }

  Result<void> check_options() {
    if (options_.server_names.empty()) options_.server_names = default_server_names();
    for (std::string& name : options_.server_names) {
      auto normalized = normalize_server_name(name);
      if (!normalized) return fail(normalized.error());
      name = *normalized;
    }
    auto outlives = [](std::string_view what, int days, std::string_view issuer, int limit) {
      return fail("pki.validity", Side::config,
                  fmt::format("{} for {} days would outlive {}, which is for {}", what, days,
                              issuer, limit),
                  "Choose --days, --intermediate-days and --root-days in rising order");
    };
    if (options_.chain == Chain::intermediate) {
      if (options_.intermediate_days > options_.root_days) {
        return outlives("an intermediate", options_.intermediate_days, "the root",
                        options_.root_days);
      }
      if (options_.days > options_.intermediate_days) {
        return outlives("a server or client certificate", options_.days, "the intermediate",
                        options_.intermediate_days);
      }
    }
    if (options_.chain == Chain::root && options_.days > options_.root_days) {
      return outlives("a server or client certificate", options_.days, "the root",
                      options_.root_days);
    }
    return {};
  }

  Result<void> make_slot(Slot& slot) {
    if (slot.certificate) return {};
    if (!slot.key) {
      auto key = Key::generate(options_.key);
      if (!key) return fail(key.error());
      slot.key = *key;
      slot.new_key = true;
    }
    auto request = request_for(slot);
    std::optional<Authority> issuer;
    if (slot.issuer >= 0) {
      const Slot& above = slots_[static_cast<size_t>(slot.issuer)];
      if (!above.key) {
        return fail("pki.key", Side::config,
                    fmt::format("{}.crt is missing, and the key to sign it with, {}, is {}",
                                slot.name, path(above.name + ".key"),
                                exists(path(above.name + ".key")) ? "encrypted" : "not there"));
      }
      issuer = Authority{*above.certificate, *above.key};
    }
    auto certificate = issue(request, *slot.key, issuer ? &*issuer : nullptr, now_);
    if (!certificate) return fail(certificate.error());
    slot.certificate = *certificate;
    slot.new_certificate = true;
    return {};
  }

  CertificateRequest request_for(const Slot& slot) {
    CertificateRequest out;
    out.role = slot.role;
    out.days = options_.days;
    switch (slot.role) {
      case Role::root:
        out.common_name = authority_name(options_.root_name, "root");
        out.days = options_.root_days;
        out.path_length = options_.chain == Chain::intermediate ? 1 : 0;
        break;
      case Role::intermediate:
        out.common_name = authority_name(options_.intermediate_name, "intermediate");
        out.days = options_.intermediate_days;
        break;
      case Role::server:
        out.names = options_.server_names;
        out.common_name = common_name_of(options_.server_names);
        break;
      case Role::client:
        out.common_name = options_.user;
        break;
    }
    return out;
  }

  // Two hierarchies must not have authorities of the same name: verifiers mix them up.
  std::string authority_name(const std::string& given, std::string_view kind) {
    if (!given.empty()) return given;
    if (mark_.empty()) {
      uint8_t bytes[3];
      RAND_bytes(bytes, sizeof bytes);
      mark_ = text::hex(bytes);
    }
    return fmt::format("Sallyport {} CA {}", kind, mark_);
  }

  Result<HierarchyReport> write() {
    HierarchyReport report;
    StagedFiles files;
    std::map<std::string, bool> written;
    auto stage = [&](const std::string& file, std::string_view content, uint32_t mode) {
      written[file] = true;
      report.made.push_back(file);
      return files.stage(path(file), content, mode);
    };
    for (const Slot& slot : slots_) {
      for (auto [suffix, is_new] :
           {std::pair{".key", slot.new_key}, {".crt", slot.new_certificate}}) {
        if (!is_new && exists(path(slot.name + suffix))) report.kept.push_back(slot.name + suffix);
      }
      if (auto staged = stage_slot(slot, stage); !staged) return fail(staged.error());
    }
    if (options_.chain == Chain::intermediate && (options_.force || !exists(path("chain.crt")))) {
      std::string chain = slots_[1].certificate->pem() + slots_[0].certificate->pem();
      if (auto staged = stage("chain.crt", chain, 0644); !staged) return fail(staged.error());
    }
    if (options_.force) {
      auto backup =
          back_up(options_.directory, {kHierarchyFiles.begin(), kHierarchyFiles.end()}, now_);
      if (!backup) return fail(backup.error());
      report.backup = *backup;
    }
    if (auto committed = files.commit(); !committed) return fail(committed.error());
    if (options_.force) remove_stale(written);
    return report;
  }

  template <typename Stage>
  Result<void> stage_slot(const Slot& slot, const Stage& stage) {
    if (slot.new_key) {
      auto pem = slot.key->to_pem(slot.is_authority() ? options_.passphrase : Secret());
      if (!pem) return fail(pem.error());
      std::string file = slot.name + ".key";
      if (auto staged = stage(file, pem->reveal(), key_mode(path(file))); !staged) return staged;
    }
    if (!slot.new_certificate) return {};
    std::string pem = slot.certificate->pem();
    // The intermediate goes with each leaf, so that the other side needs the root only.
    if (!slot.is_authority() && options_.chain == Chain::intermediate) {
      pem += slots_[1].certificate->pem();
    }
    return stage(slot.name + ".crt", pem, 0644);
  }

  // What the old hierarchy had and the new one has not would be mistaken for a part of it.
  void remove_stale(const std::map<std::string, bool>& written) {
    for (const char* file : kHierarchyFiles) {
      if (!written.contains(file)) unlink(path(file).c_str());
    }
    DIR* listing = opendir(path("crl").c_str());
    if (listing == nullptr) return;
    while (const dirent* entry = readdir(listing)) {
      std::string_view name = entry->d_name;
      if (name.size() > 10 && name.substr(8, 2) == ".r") {
        unlinkat(dirfd(listing), entry->d_name, 0);
      }
    }
    closedir(listing);
  }

  HierarchyOptions options_;
  std::vector<Slot> slots_;
  int64_t now_;
  std::string mark_;
};

}  // namespace

std::vector<std::string> default_server_names() {
  std::vector<std::string> out = {"localhost", "127.0.0.1", "::1"};
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) != 0) return out;
  auto name = normalize_server_name(host);
  if (name && std::ranges::find(out, *name) == out.end()) out.push_back(*name);
  return out;
}

std::string common_name_of(const std::vector<std::string>& server_names) {
  constexpr size_t kLongest = 64;
  for (const std::string& name : server_names) {
    if (name.size() <= kLongest) return name;
  }
  return "server";
}

Result<HierarchyReport> make_hierarchy(const HierarchyOptions& options) {
  return HierarchyMaker(options).make();
}

}  // namespace sallyport::pki
