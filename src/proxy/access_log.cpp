#include "proxy/access_log.h"

#include <cerrno>
#include <cstring>
#include <iterator>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/log.h"

namespace sallyport::proxy {
namespace {

constexpr size_t kMaxPending = 16u << 20;  // bytes that may wait for the disk

void append_escaped(std::string& out, std::string_view text) {
  if (text.empty()) text = "-";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
      fmt::format_to(std::back_inserter(out), "\\x{:02X}", byte);
    } else {
      out += c;
    }
  }
}

int open_file(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // a full disk: the log must not stop the traffic
    text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

void append_access_line(std::string& out, const AccessLogEntry& entry) {
  auto add = std::back_inserter(out);
  fmt::format_to(add, "{} - - [{}] \"", entry.client_ip, entry.local_time);
  if (!entry.method.empty()) {
    append_escaped(out, entry.method);
    out += ' ';
    append_escaped(out, entry.target);
    fmt::format_to(add, " HTTP/{}", entry.http2 ? "2.0" : entry.minor_version == 0 ? "1.0" : "1.1");
  }
  fmt::format_to(add, "\" {} {} \"", entry.status, entry.body_sent);
  append_escaped(out, entry.referer);
  out += "\" \"";
  append_escaped(out, entry.user_agent);
  fmt::format_to(add, "\" kong_request_id: \"{}\"\n", entry.request_id);
}

void append_stream_line(std::string& out, const StreamLogEntry& entry,
                        std::string_view local_time) {
  fmt::format_to(std::back_inserter(out), "{} [{}] {} {} {} {} {}.{:03}\n", entry.client_ip,
                 local_time, entry.udp ? "UDP" : "TCP", entry.status, entry.sent, entry.received,
                 entry.duration_ms / 1'000, entry.duration_ms % 1'000);
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::string& path,
                                                   std::string_view setting) {
  const int fd = open_file(path);
  if (fd < 0) {
    return fail("gateway.option", Side::config,
                fmt::format("{}: cannot open {}: {}", setting, path, errno_text(errno)),
                fmt::format("create its directory, or set {} = off", setting));
  }
  std::unique_ptr<AccessLog> log(new AccessLog(path, fd));
  log->thread_ = std::thread([raw = log.get()] { raw->run(); });
  return log;
}

AccessLog::~AccessLog() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
  ::close(fd_);
}

void AccessLog::write(std::string lines) {
  {
    std::lock_guard lock(mutex_);
    if (bytes_ + lines.size() > kMaxPending) {
      ++dropped_;
      return;
    }
    bytes_ += lines.size();
    batches_.push_back(std::move(lines));
  }
  wake_.notify_one();
}

void AccessLog::reopen() {
  {
    std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  wake_.notify_one();
}

void AccessLog::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || reopen_ || !batches_.empty(); });
    std::vector<std::string> batches;
    batches.swap(batches_);
    bytes_ = 0;
    const uint64_t dropped = std::exchange(dropped_, 0);
    const bool reopen = std::exchange(reopen_, false);
    const bool stop = stop_;
    lock.unlock();
    if (dropped > 0) {
      log::warn("the disk of {} is too slow: {} batches of access log lines dropped", path_,
                dropped);
    }
    for (const std::string& batch : batches) write_all(fd_, batch);
    if (const int fd = reopen ? open_file(path_) : -1; fd >= 0) ::close(std::exchange(fd_, fd));
    if (stop) return;
    lock.lock();
  }
}

}  // namespace sallyport::proxy
