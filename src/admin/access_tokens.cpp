#include "admin/access_tokens.h"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

namespace sallyport::admin {
namespace {

constexpr size_t kLargestFile = 1u << 20;
// The clock of a file system is coarse: a file that has just been written may be written again
// under the same times.
constexpr int64_t kYoung = 2;  // seconds

std::unexpected<Error> bad_file(const std::string& path, std::string_view what,
                                std::string remedy) {
  return fail("conf.admin_access_token_file", Side::config,
              fmt::format("admin_access_token_file: {} {}", path, what), std::move(remedy));
}

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// PostgreSQL's rule for a private key: our own and ours alone, or root's, with a group that reads.
bool private_enough(const struct stat& file) {
  const bool own = file.st_uid == geteuid();
  if (!own && file.st_uid != 0) return false;
  return (file.st_mode & (file.st_uid == 0 ? 037u : 077u)) == 0;
}

bool can_be_sent(std::string_view token) {
  return std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

AccessTokens::Version AccessTokens::version() const {
  struct stat file;
  if (stat(path_.c_str(), &file) != 0) return {};
  return {file.st_dev, file.st_ino, file.st_size, nanoseconds(file.st_mtim),
          nanoseconds(file.st_ctim)};
}

Result<std::vector<Secret>> AccessTokens::read() const {
  struct stat file;
  if (stat(path_.c_str(), &file) == 0 && !private_enough(file)) {
    return bad_file(path_, "can be read or written by others",
                    fmt::format("chmod 0600 {} (or root's with 0640)", path_));
  }
  auto content = read_file(path_, kLargestFile);
  if (!content) return fail(content.error());
  const Secret held(std::move(*content));
  std::vector<Secret> tokens;
  size_t number = 0;
  for (std::string_view line : text::split(held.reveal(), '\n')) {
    ++number;
    line = text::trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.size() < kShortest || !can_be_sent(line)) {
      return bad_file(path_,
                      fmt::format("line {}: a token has at least {} characters, all of them "
                                  "printable, and no blanks",
                                  number, kShortest),
                      "`openssl rand -hex 32` makes one");
    }
    tokens.emplace_back(std::string(line));
  }
  return tokens;
}

Result<std::shared_ptr<AccessTokens>> AccessTokens::load(std::string path) {
  std::shared_ptr<AccessTokens> made(new AccessTokens(std::move(path)));
  made->version_ = made->version();
  auto tokens = made->read();
  if (!tokens) {
    Error error = tokens.error();
    if (error.code == "conf.admin_access_token_file") return fail(std::move(error));
    return fail("conf.admin_access_token_file", Side::config,
                "admin_access_token_file: " + error.detail);
  }
  if (tokens->empty()) {
    return bad_file(made->path_, "holds no token", "`openssl rand -hex 32` makes one");
  }
  made->tokens_ = std::move(*tokens);
  return made;
}

void AccessTokens::refresh() {
  const Version now = version();
  if (now == version_ && settled_) return;
  const bool changed = now != version_;
  version_ = now;
  settled_ = unix_seconds() - now.changed / 1'000'000'000 > kYoung;
  auto tokens = read();
  if (!tokens) {
    if (changed) log::warn("{}; the former tokens stay in force", tokens.error().text());
    return;
  }
  if (changed) log::notice("admin_access_token_file: {} token(s)", tokens->size());
  tokens_ = std::move(*tokens);
}

bool AccessTokens::know(std::string_view token) {
  const std::lock_guard lock(mutex_);
  refresh();
  bool known = false;
  for (const Secret& own : tokens_) known |= own.equals(token);
  return known;
}

}  // namespace sallyport::admin
