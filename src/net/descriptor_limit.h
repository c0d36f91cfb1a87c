// Who may have a new descriptor when few are left: the last ones belong to the APIs, the database
// and the logs, those before them to connections to upstreams, so that a crowd of clients takes
// neither. The kernel gives the lowest number that is free, so a high one means that few are. One
// per loop; its thread.
#pragma once

#include <cstdint>

namespace sallyport::net {

class DescriptorLimit {
 public:
  // Whether a connection that was accepted as `fd` may stay. `now`: milliseconds.
  bool enough_for_client(int fd, uint64_t now) { return fd < limit_at(now) - reserve_; }
  bool enough_for_upstream(int fd, uint64_t now) { return fd < limit_at(now) - reserve_ / 2; }

 private:
  // Of the process; asked for again each second, for it may be changed from outside.
  int limit_at(uint64_t now) {
    if (now >= stale_at_) renew(now);
    return limit_;
  }
  void renew(uint64_t now);

  int limit_ = 0;
  int reserve_ = 0;
  uint64_t stale_at_ = 0;
};

}  // namespace sallyport::net
