#include "pki/revocation_publisher.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/staged_files.h"
#include "base/text.h"
#include "pki/calendar.h"
#include "pki/crl_directory.h"
#include "pki/directory_lock.h"
#include "pki/revocation_database.h"

namespace sallyport::pki {
namespace {

std::string file_of(const Hierarchy& hierarchy, size_t position, std::string_view suffix) {
  return fmt::format("{}{}", hierarchy.authority_name(position), suffix);
}

Result<void> has_authority(const Hierarchy& hierarchy) {
  if (!hierarchy.authorities().empty()) return {};
  return fail("pki.no_authority", Side::config,
              "a self-signed certificate has no authority that could revoke it",
              "Make a new one (sallyport pki renew --new-key) and replace the old one in the trust "
              "file of the other side: it is refused from then on");
}

Result<RevocationDatabase> load_database(const Hierarchy& hierarchy, size_t position) {
  return RevocationDatabase::load(hierarchy.path(file_of(hierarchy, position, ".revoked.json")),
                                  hierarchy.path(file_of(hierarchy, position, ".crl")),
                                  hierarchy.authorities()[position]);
}

// Publishes under a lock that the caller holds.
class Publisher {
 public:
  Publisher(const Hierarchy& hierarchy, int days, const PassphraseSource& passphrase)
      : hierarchy_(hierarchy), days_(days), passphrase_(passphrase), now_(unix_seconds()) {
    for (size_t i = 0; i < hierarchy.authorities().size(); ++i) {
      StagedFiles::remove_leftovers(hierarchy.path(file_of(hierarchy, i, ".crl")));
      StagedFiles::remove_leftovers(hierarchy.path(file_of(hierarchy, i, ".revoked.json")));
    }
    StagedFiles::remove_leftovers(hierarchy.path("chain.crl"));
  }

  // Reads the keys first, so that nothing is half done for want of a pass phrase.
  Result<void> unlock() {
    for (size_t i = 0; i < hierarchy_.authorities().size(); ++i) {
      auto authority = hierarchy_.authority(i, passphrase_);
      if (!authority && authority.error().code != "file.missing") return fail(authority.error());
      keys_.push_back(authority ? std::optional(std::move(*authority)) : std::nullopt);
    }
    return {};
  }

  bool has_key(size_t position) const { return keys_[position].has_value(); }

  Result<PublishReport> publish() {
    PublishReport report;
    StagedFiles files;
    std::string all;
    for (size_t i = 0; i < keys_.size(); ++i) {
      auto list = keys_[i] ? sign(i) : current(i);
      if (!list) return fail(list.error());
      all = list->pem() + all;  // the lowest first, as in chain.crt
      std::string authority(hierarchy_.authority_name(i));
      report.lists.push_back({authority, *list, keys_[i].has_value()});
      if (!keys_[i]) continue;
      if (auto staged = stage(files, report, authority + ".crl", list->pem()); !staged) {
        return fail(staged.error());
      }
    }
    if (keys_.size() > 1) {
      if (auto staged = stage(files, report, "chain.crl", all); !staged)
        return fail(staged.error());
    }
    if (auto committed = files.commit(); !committed) return fail(committed.error());
    std::vector<RevocationList> lists;
    for (const PublishedList& one : report.lists) lists.push_back(one.list);
    auto hashed = write_crl_directory(hierarchy_.path("crl"), lists);
    if (!hashed) return fail(hashed.error());
    for (const std::string& name : *hashed) report.made.push_back("crl/" + name);
    return report;
  }

 private:
  Result<void> stage(StagedFiles& files, PublishReport& report, const std::string& file,
                     std::string_view content) {
    report.made.push_back(file);
    return files.stage(hierarchy_.path(file), content, 0644);
  }

  Result<RevocationList> sign(size_t position) {
    auto database = load_database(hierarchy_, position);
    if (!database) return fail(database.error());
    int64_t number = database->take_next_number();
    if (auto saved = database->save(); !saved) return fail(saved.error());
    return RevocationList::sign(*keys_[position], database->revoked(), number, days_, now_);
  }

  // The list of an authority whose key is kept elsewhere.
  Result<RevocationList> current(size_t position) {
    std::string key = hierarchy_.path(file_of(hierarchy_, position, ".key"));
    std::string path = hierarchy_.path(file_of(hierarchy_, position, ".crl"));
    auto lists = RevocationList::load(path);
    auto missing = [&](std::string why) {
      return fail(
          "pki.crl_missing", Side::config,
          fmt::format("{} {}, and the key to sign one with, {}, is not there", path, why, key),
          "Every authority of a chain needs a current list. Make it where the key is "
          "(sallyport pki crl) and copy it here");
    };
    if (!lists && lists.error().code == "file.missing") return missing("is missing");
    if (!lists) return fail(lists.error());
    const RevocationList& list = lists->front();
    if (!list.signed_by(hierarchy_.authorities()[position])) {
      return missing("was signed by another authority");
    }
    if (list.next_update() != 0 && list.next_update() < now_) {
      return missing("is out of date since " + date_and_time(list.next_update()));
    }
    return list;
  }

  const Hierarchy& hierarchy_;
  int days_;
  const PassphraseSource& passphrase_;
  int64_t now_;
  std::vector<std::optional<Authority>> keys_;
};

struct Target {
  size_t position = 0;
  RevokedCertificate entry;
};

Result<Target> target_of_file(const Hierarchy& hierarchy, const std::string& file) {
  auto loaded = Certificate::load(file);
  if (!loaded) return fail(loaded.error());
  const Certificate& certificate = loaded->front();
  const CertificateInfo& info = certificate.info();
  if (info.self_signed) {
    return fail("pki.root", Side::config,
                fmt::format("{} is self-signed: there is nobody above it who could revoke it",
                            info.subject),
                "Take it out of the trust files instead");
  }
  for (size_t i = 0; i < hierarchy.authorities().size(); ++i) {
    if (!certificate.issued_by(hierarchy.authorities()[i])) continue;
    return Target{i, {info.serial, 0, {}, info.subject}};
  }
  return fail("pki.not_ours", Side::config,
              fmt::format("{} was signed by {}, which is no authority of {}", file, info.issuer,
                          hierarchy.directory()),
              "Name the right directory with --dir");
}

Result<Target> target_of_serial(const Hierarchy& hierarchy, const RevokeOptions& options) {
  std::string serial;
  for (char c : options.serial) {
    if (c == ':') continue;
    serial += c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  if (serial.empty() || serial.size() > 40 ||
      serial.find_first_not_of("0123456789ABCDEF") != serial.npos) {
    return fail("pki.serial", Side::config, fmt::format("`{}` is no serial number", options.serial),
                "Give it in hexadecimal, as `sallyport pki show` prints it");
  }
  // As certificates show it: whole octets, no octets of zeros before.
  if (serial.size() % 2 != 0) serial.insert(0, "0");
  while (serial.size() > 2 && serial.starts_with("00")) serial.erase(0, 2);
  size_t count = hierarchy.authorities().size();
  for (size_t i = 0; i < count; ++i) {
    bool wanted = options.authority.empty() ? i + 1 == count
                                            : options.authority == hierarchy.authority_name(i);
    if (wanted) return Target{i, {serial, 0, {}, {}}};
  }
  return fail("pki.not_ours", Side::config,
              fmt::format("{} has no authority `{}`", hierarchy.directory(), options.authority),
              "Use root or intermediate");
}

}  // namespace

Result<PublishReport> publish_revocation_lists(const Hierarchy& hierarchy, int days,
                                               const PassphraseSource& passphrase) {
  if (auto checked = has_authority(hierarchy); !checked) return fail(checked.error());
  auto lock = DirectoryLock::take(hierarchy.directory());
  if (!lock) return fail(lock.error());
  Publisher publisher(hierarchy, days, passphrase);
  if (auto unlocked = publisher.unlock(); !unlocked) return fail(unlocked.error());
  return publisher.publish();
}

Result<RevokeReport> revoke(const Hierarchy& hierarchy, const RevokeOptions& options,
                            const PassphraseSource& passphrase) {
  if (auto checked = has_authority(hierarchy); !checked) return fail(checked.error());
  if (!options.reason.empty() && !is_revocation_reason(options.reason)) {
    return fail("pki.reason", Side::config, fmt::format("unknown reason `{}`", options.reason),
                "Use one of " + revocation_reasons());
  }
  auto target = options.file.empty() ? target_of_serial(hierarchy, options)
                                     : target_of_file(hierarchy, options.file);
  if (!target) return fail(target.error());
  auto lock = DirectoryLock::take(hierarchy.directory());
  if (!lock) return fail(lock.error());
  Publisher publisher(hierarchy, options.days, passphrase);
  if (auto unlocked = publisher.unlock(); !unlocked) return fail(unlocked.error());

  RevokeReport report;
  report.authority = hierarchy.authority_name(target->position);
  if (!publisher.has_key(target->position)) {
    return fail("pki.key", Side::config,
                fmt::format("{}, which has to sign the revocation, is not there",
                            hierarchy.path(report.authority + ".key")),
                "Run the command where the key is");
  }
  auto database = load_database(hierarchy, target->position);
  if (!database) return fail(database.error());
  target->entry.revoked_at = unix_seconds();
  target->entry.reason = options.reason;
  report.before = !database->add(target->entry);
  report.revoked = *database->find(target->entry.serial);
  // Recorded before anything is signed: a crash from here on loses no revocation.
  if (auto saved = database->save(); !saved) return fail(saved.error());
  auto published = publisher.publish();
  if (!published) {
    Error error = published.error();
    error.detail = fmt::format("{} is recorded as revoked, but the lists could not be made: {}",
                               report.revoked.serial, error.detail);
    return fail(std::move(error));
  }
  report.published = std::move(*published);
  return report;
}

}  // namespace sallyport::pki
