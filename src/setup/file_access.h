// What the server's user may read, and what root must not follow in directories that are that
// user's: judged by owners and modes, before anything is touched. Reads metadata only; any thread.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace sallyport::setup {

struct ServerUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
};

// Owner, group and mode of a file, to be put back.
struct FileOwner {
  uid_t uid = 0;
  gid_t gid = 0;
  uint32_t mode = 0;
};

// "" when the user may read `path`, following links; else the first thing that is in its way.
std::string what_bars(const ServerUser& user, const std::string& path);

// "" unless `path` is a link that leads out of the user's own files: root would write to somebody
// else's file on the word of an unprivileged user.
std::string leads_astray(const ServerUser& user, const std::string& path);

// PostgreSQL's rule for a private key: its own user's and 0600 at most, or root's and 0640 at most.
bool accepts_key(const ServerUser& user, const std::string& path);

}  // namespace sallyport::setup
