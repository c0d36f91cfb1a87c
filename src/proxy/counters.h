// What one worker counts. Written by its thread only, read by any: plain stores that other threads
// see whole, no lock and no read-modify-write instruction.
#pragma once

#include <atomic>
#include <cstdint>

namespace sallyport::proxy {

class Count {
 public:
  void add(uint64_t by = 1) { value_.store(get() + by, std::memory_order_relaxed); }
  void subtract(uint64_t by = 1) { value_.store(get() - by, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct alignas(64) WorkerCounters {
  Count accepted;
  Count handled;
  Count active;
  Count reading;
  Count writing;
  Count waiting;
  Count requests;
  // Of stream listeners; bytes from clients and to clients.
  Count stream_connections;
  Count stream_active;
  Count udp_sessions;
  Count udp_active;
  Count stream_received;
  Count stream_sent;
};
// No worker's count lies on a line that another one writes.
static_assert(alignof(WorkerCounters) == 64 && sizeof(WorkerCounters) % 64 == 0);

}  // namespace sallyport::proxy
