#include "setup/file_access.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>

#include "base/errno_text.h"

namespace sallyport::setup {
namespace {

std::vector<gid_t> groups_of(const ServerUser& user) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<size_t>(count));
  if (getgrouplist(user.name.c_str(), user.gid, groups.data(), &count) < 0) count = 64;
  groups.resize(static_cast<size_t>(std::max(count, 0)));
  groups.push_back(user.gid);
  return groups;
}

// `bit` is the permission's for others: 4 to read, 1 to enter.
bool permits(const struct stat& status, const ServerUser& user, const std::vector<gid_t>& groups,
             mode_t bit) {
  if (user.uid == 0) return true;
  if (status.st_uid == user.uid) return status.st_mode & (bit << 6);
  if (std::ranges::find(groups, status.st_gid) != groups.end()) return status.st_mode & (bit << 3);
  return status.st_mode & bit;
}

}  // namespace

std::string what_bars(const ServerUser& user, const std::string& path) {
  std::error_code error;
  std::string real = std::filesystem::canonical(path, error).string();
  if (error) return fmt::format("{}: {}", path, error.message());
  const std::vector<gid_t> groups = groups_of(user);
  struct stat status;
  if (stat(real.c_str(), &status) != 0) return fmt::format("{}: {}", real, errno_text(errno));
  if (!permits(status, user, groups, 4)) {
    return fmt::format("{} may not read {} (mode {:04o})", user.name, real, status.st_mode & 07777);
  }
  for (std::filesystem::path above = std::filesystem::path(real).parent_path();;
       above = above.parent_path()) {
    if (stat(above.c_str(), &status) == 0 && !permits(status, user, groups, 1)) {
      return fmt::format("{} may not enter {} (mode {:04o})", user.name, above.string(),
                         status.st_mode & 07777);
    }
    if (!above.has_relative_path()) return "";
  }
}

std::string leads_astray(const ServerUser& user, const std::string& path) {
  struct stat link;
  if (lstat(path.c_str(), &link) != 0 || !S_ISLNK(link.st_mode)) return "";
  struct stat target;
  if (stat(path.c_str(), &target) != 0) return fmt::format("{} is a link to nothing", path);
  if (target.st_uid == user.uid || link.st_uid == 0) return "";
  return fmt::format("{} is a link of {} to a file that is not theirs", path, user.name);
}

bool accepts_key(const ServerUser& user, const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return false;
  if (status.st_uid == user.uid && (status.st_mode & 0077) == 0) return true;
  return status.st_uid == 0 && (status.st_mode & 0037) == 0 && what_bars(user, path).empty();
}

}  // namespace sallyport::setup
