#include "pki/issuance.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/staged_files.h"
#include "pki/backup.h"
#include "pki/directory_lock.h"
#include "pki/key_file.h"
#include "pki/verification.h"

namespace sallyport::pki {
namespace {

bool exists(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0;
}

CertificateRequest request_for(const IssueOptions& options) {
  CertificateRequest out;
  out.role = options.role;
  out.days = options.days;
  if (options.role == Role::client) {
    out.common_name = options.user;
    return out;
  }
  out.names = options.server_names.empty() ? default_server_names() : options.server_names;
  for (std::string& name : out.names) {
    if (auto normalized = normalize_server_name(name)) name = *normalized;  // issue() complains
  }
  out.common_name = common_name_of(out.names);
  return out;
}

// The key that an interrupted run left, or a new one.
Result<Key> key_for(const std::string& path, const IssueOptions& options, bool& is_new) {
  is_new = options.force || !exists(path);
  return is_new ? Key::generate(options.key) : load_key(path, fixed_passphrase({}));
}

}  // namespace

Result<void> check_file_name(std::string_view name) {
  constexpr std::array<std::string_view, 5> kTaken = {"root", "intermediate", "chain", "backup",
                                                      "crl"};
  auto refuse = [&](std::string_view why) {
    return fail("pki.file_name", Side::config, fmt::format("the name `{}` {}", name, why),
                "Use letters, digits, `.`, `-` and `_`, such as server-2");
  };
  if (name.empty() || name.size() > 100) return refuse("is empty or too long");
  if (name.front() == '.' || name.front() == '-') return refuse("begins with a dot or a hyphen");
  if (std::ranges::find(kTaken, name) != kTaken.end()) {
    return refuse("is used by the hierarchy itself");
  }
  bool plain = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
  if (!plain) return refuse("has other characters than a file name should");
  return {};
}

std::string leaf_bundle(const Hierarchy& hierarchy, const Certificate& leaf) {
  std::string out;
  for (const Certificate& one : build_chain(leaf, hierarchy.authorities())) {
    if (one == leaf || !one.info().self_signed) out += one.pem();
  }
  return out;
}

Result<IssueReport> issue_leaf(const Hierarchy& hierarchy, const IssueOptions& options,
                               const PassphraseSource& passphrase) {
  std::string name = options.name;
  if (name.empty()) name = options.role == Role::server ? "server" : "client";
  if (auto checked = check_file_name(name); !checked) return fail(checked.error());
  auto lock = DirectoryLock::take(hierarchy.directory());
  if (!lock) return fail(lock.error());
  std::string key_path = hierarchy.path(name + ".key");
  std::string certificate_path = hierarchy.path(name + ".crt");
  for (const std::string& path : {key_path, certificate_path}) StagedFiles::remove_leftovers(path);
  if (!options.force && exists(certificate_path)) {
    return fail(
        "pki.exists", Side::config, fmt::format("{} is there already", certificate_path),
        fmt::format("Renew it (sallyport pki renew {}), give the new one another --name, or "
                    "replace it with --force",
                    name));
  }
  bool new_key = false;
  auto key = key_for(key_path, options, new_key);
  if (!key) return fail(key.error());
  auto signer = hierarchy.signer(passphrase);
  if (!signer) return fail(signer.error());
  int64_t now = unix_seconds();
  auto certificate = issue(request_for(options), *key, *signer ? &**signer : nullptr, now);
  if (!certificate) return fail(certificate.error());

  IssueReport report{*certificate, {}, {}, {}};
  StagedFiles files;
  if (new_key) {
    auto pem = key->to_pem({});
    if (!pem) return fail(pem.error());
    auto staged = files.stage(key_path, pem->reveal(), key_mode(key_path));
    if (!staged) return fail(staged.error());
  }
  (new_key ? report.made : report.kept).push_back(name + ".key");
  auto staged = files.stage(certificate_path, leaf_bundle(hierarchy, *certificate),
                            certificate_mode(certificate_path));
  if (!staged) return fail(staged.error());
  report.made.push_back(name + ".crt");
  if (options.force) {
    auto backup = back_up(hierarchy.directory(), {name + ".key", name + ".crt"}, now);
    if (!backup) return fail(backup.error());
    report.backup = *backup;
  }
  if (auto committed = files.commit(); !committed) return fail(committed.error());
  return report;
}

}  // namespace sallyport::pki
