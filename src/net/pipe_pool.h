// Pipes for splice(2): bytes go from one socket into a pipe and out of it to another socket without
// ever being copied to the process. One pool per loop; only the loop's thread touches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "net/descriptor_limit.h"

namespace sallyport::net {

class PipePool;

struct Pipe {
  PipePool& pool;
  int read = -1;
  int write = -1;
  size_t bytes = 0;  // inside
};

struct PipeDeleter {
  void operator()(Pipe* pipe) const noexcept;
};
// Goes back to its pool; one that still holds bytes is closed.
using PipePtr = std::unique_ptr<Pipe, PipeDeleter>;

class PipePool {
 public:
  PipePool() = default;
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;
  ~PipePool();

  // Null when kMost are taken, or few descriptors are left (`now`: milliseconds).
  PipePtr take(DescriptorLimit& descriptors, uint64_t now);

  // More than these at once are not worth their two descriptors each.
  static constexpr size_t kMost = 1024;

 private:
  friend struct PipeDeleter;
  void put(Pipe* pipe) noexcept;
  static void close(Pipe* pipe) noexcept;

  std::vector<Pipe*> unused_;
  size_t taken_ = 0;
};

}  // namespace sallyport::net
