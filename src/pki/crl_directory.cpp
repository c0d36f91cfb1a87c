#include "pki/crl_directory.h"

#include <algorithm>

#include <dirent.h>
#include <fmt/format.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/staged_files.h"
#include "pki/openssl.h"

namespace sallyport::pki {
namespace {

constexpr int kMostOfOneName = 100;

void free_key_id(AUTHORITY_KEYID* id) {
  AUTHORITY_KEYID_free(id);
}

std::string issuer_key(const RevocationList& list) {
  Owned<AUTHORITY_KEYID, free_key_id> id(static_cast<AUTHORITY_KEYID*>(
      X509_CRL_get_ext_d2i(list.native(), NID_authority_key_identifier, nullptr, nullptr)));
  return id ? octets_text(id->keyid) : std::string();
}

bool same_issuer(const RevocationList& a, const RevocationList& b) {
  return X509_NAME_cmp(X509_CRL_get_issuer(a.native()), X509_CRL_get_issuer(b.native())) == 0 &&
         issuer_key(a) == issuer_key(b);
}

// The name of the list's earlier version, or the first that is free.
std::string place_for(const std::string& directory, const RevocationList& list,
                      const std::vector<std::string>& taken) {
  std::string hash = list.issuer_hash();
  std::string name;
  for (int i = 0; i < kMostOfOneName; ++i) {
    name = fmt::format("{}.r{}", hash, i);
    if (std::ranges::find(taken, name) != taken.end()) continue;
    auto there = RevocationList::load(directory + "/" + name);
    if (!there || same_issuer(there->front(), list)) break;
  }
  return name;
}

bool is_directory(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

Result<std::vector<std::string>> write_crl_directory(const std::string& directory,
                                                     const std::vector<RevocationList>& lists) {
  if (auto made = make_directories(directory, 0755); !made) return fail(made.error());
  std::vector<std::string> names;
  for (const RevocationList& list : lists) {
    std::string name = place_for(directory, list, names);
    std::string path = directory + "/" + name;
    StagedFiles::remove_leftovers(path);
    StagedFiles files;
    if (auto staged = files.stage(path, list.pem(), 0644); !staged) return fail(staged.error());
    if (auto committed = files.commit(); !committed) return fail(committed.error());
    names.push_back(std::move(name));
  }
  return names;
}

Result<std::vector<RevocationList>> load_crls(const std::string& path) {
  if (!is_directory(path)) return RevocationList::load(path);
  std::vector<std::string> names;
  DIR* listing = opendir(path.c_str());
  if (listing == nullptr) {
    return fail("file.permission", Side::config, "cannot read the directory " + path);
  }
  while (const dirent* entry = readdir(listing)) {
    std::string_view name = entry->d_name;
    if (name.size() > 10 && name.substr(8, 2) == ".r") names.emplace_back(name);
  }
  closedir(listing);
  std::ranges::sort(names);
  std::vector<RevocationList> out;
  for (const std::string& name : names) {
    auto loaded = RevocationList::load(path + "/" + name);
    if (!loaded) return fail(loaded.error());
    out.insert(out.end(), loaded->begin(), loaded->end());
  }
  if (out.empty()) {
    return fail("pki.no_crl", Side::config,
                fmt::format("{} holds no revocation list under a hashed name (HASH.r0)", path),
                "Run `openssl rehash` there, or let `sallyport pki crl` make it");
  }
  return out;
}

}  // namespace sallyport::pki
