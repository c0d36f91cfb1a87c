// A TCP connection whose every call ends at a deadline. Used by one thread; closes on destruction.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace sallyport::doctor {

// Why waiting ended where it ended.
enum class Stop : uint8_t { none, timeout, closed, reset, refused, unreachable, other };

class Wire {
 public:
  Wire() = default;
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // False: stop() and error() say why. `address` is a literal IPv4 or IPv6 address.
  bool connect(const std::string& address, uint16_t port, TimePoint deadline);
  bool send(std::string_view bytes, TimePoint deadline);
  // Waits for bytes and appends at most `limit` of them.
  bool receive(std::string& into, size_t limit, TimePoint deadline);

  Stop stop() const { return stop_; }
  const std::string& error() const { return error_; }  // "Connection refused"

 private:
  bool wait(short events, TimePoint deadline);
  bool failed(int error);

  int fd_ = -1;
  Stop stop_ = Stop::none;
  std::string error_;
};

}  // namespace sallyport::doctor
