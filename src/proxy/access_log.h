// The access log: one line per request in nginx's combined format with Kong's request id. Workers
// gather lines in memory and hand them to one writing thread, so that a slow disk blocks no
// request.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"

namespace sallyport::proxy {

struct AccessLogEntry {
  std::string_view client_ip;
  std::string_view method;
  std::string_view target;
  uint8_t minor_version = 1;
  bool http2 = false;
  int status = 0;
  uint64_t body_sent = 0;
  std::string_view referer;
  std::string_view user_agent;
  std::string_view request_id;
  std::string_view local_time;  // "10/Oct/2000:13:55:36 -0700"
};

// Appends the line. Bytes that could break it are written as \xHH.
void append_access_line(std::string& out, const AccessLogEntry& entry);

// A connection of a stream listener, or a UDP client's, at its end.
struct StreamLogEntry {
  std::string_view client_ip;
  bool udp = false;
  int status = 0;         // nginx's: 200, 400, 403, 500, 502, 503
  uint64_t sent = 0;      // bytes to the client
  uint64_t received = 0;  // and from it
  uint64_t duration_ms = 0;
};

// Appends the line, in Kong's format `basic`.
void append_stream_line(std::string& out, const StreamLogEntry& entry, std::string_view local_time);

class AccessLog {
 public:
  // Errors: "gateway.option", naming the setting and the file.
  static Result<std::unique_ptr<AccessLog>> open(const std::string& path,
                                                 std::string_view setting = "proxy_access_log");
  ~AccessLog();  // writes what is left

  // Takes a batch of lines. Any thread. When the disk cannot keep up lines are dropped and counted.
  void write(std::string lines);
  void reopen();

 private:
  explicit AccessLog(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  void run();

  std::string path_;
  int fd_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::string> batches_;
  size_t bytes_ = 0;
  uint64_t dropped_ = 0;
  bool reopen_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace sallyport::proxy
