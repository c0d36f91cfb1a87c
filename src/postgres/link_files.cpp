#include "postgres/link_files.h"

#include <map>
#include <mutex>

#include "base/log.h"
#include "base/text.h"
#include "postgres/link_metrics.h"

namespace sallyport::postgres {
namespace {

std::string prefix(const LinkSettings& settings) {
  return settings.role == LinkRole::main ? "pg_" : "pg_ro_";
}

Result<TrustAnchors> read_anchors(const LinkSettings& settings) {
  if (!settings.verify) return TrustAnchors();
  return TrustAnchors::load(settings.trusted);
}

Result<RevocationLists> read_revocations(const LinkSettings& settings) {
  if (!settings.verify) return RevocationLists();
  return RevocationLists::load(settings.crl, settings.crl_directory, prefix(settings));
}

Result<ClientIdentity> read_identity(const LinkSettings& settings) {
  return ClientIdentity::load(settings.certificate, settings.key, prefix(settings));
}

// The last good value under one name (the settings that it came from), and what was complained of.
template <typename T>
class LastGood {
 public:
  Result<T> settle(const std::string& name, Result<T> fresh) {
    std::lock_guard lock(mutex_);
    auto known = entries_.find(name);
    if (fresh) {
      if (known != entries_.end() && !known->second.complaint.empty()) {
        log::notice("postgres: {} is good again", name.substr(0, name.find('\n')));
      }
      entries_[name] = {*fresh, ""};
      return fresh;
    }
    if (known == entries_.end()) return fresh;
    count(LinkEvent::stale_file);
    Entry& entry = known->second;
    if (entry.complaint != fresh.error().detail) {
      entry.complaint = fresh.error().detail;
      log::warn("postgres: {}. What was read before stays in use", fresh.error().text());
    }
    return entry.value;
  }

 private:
  struct Entry {
    T value;
    std::string complaint;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

std::string name_of(std::string_view setting, std::initializer_list<std::string_view> values) {
  std::string name(setting);
  for (std::string_view value : values) name.append("\n").append(value);
  return name;
}

}  // namespace

Result<LinkFiles> read_link_files(const LinkSettings& settings) {
  LinkFiles files;
  if (!settings.ssl) return files;
  auto anchors = read_anchors(settings);
  if (!anchors) return fail(anchors.error());
  auto revocations = read_revocations(settings);
  if (!revocations) return fail(revocations.error());
  auto identity = read_identity(settings);
  if (!identity) return fail(identity.error());
  return LinkFiles{std::move(*anchors), std::move(*revocations), std::move(*identity)};
}

Result<LinkFiles> usable_link_files(const LinkSettings& settings) {
  static LastGood<TrustAnchors> good_anchors;
  static LastGood<RevocationLists> good_revocations;
  static LastGood<ClientIdentity> good_identity;
  LinkFiles files;
  if (!settings.ssl) return files;

  std::string verifying = settings.verify ? "verify" : "";
  auto anchors = good_anchors.settle(
      name_of("lua_ssl_trusted_certificate", {text::join(settings.trusted, ","), verifying}),
      read_anchors(settings));
  if (!anchors) return fail(anchors.error());
  auto revocations = good_revocations.settle(
      name_of("pg_ssl_crl", {settings.crl, settings.crl_directory, verifying}),
      read_revocations(settings));
  if (!revocations) return fail(revocations.error());
  auto identity = good_identity.settle(name_of("pg_ssl_cert", {settings.certificate, settings.key}),
                                       read_identity(settings));
  if (!identity) return fail(identity.error());
  return LinkFiles{std::move(*anchors), std::move(*revocations), std::move(*identity)};
}

}  // namespace sallyport::postgres
