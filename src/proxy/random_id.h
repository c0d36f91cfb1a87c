// Request ids: 128 random bits as 32 hexadecimal digits. Unguessable enough to tell requests apart,
// not a secret. One generator per worker.
#pragma once

#include <array>
#include <cstdint>

namespace sallyport::proxy {

class RandomId {
 public:
  RandomId();  // seeded by the kernel
  void write(std::array<char, 32>& out);

 private:
  uint64_t next();
  std::array<uint64_t, 4> state_;
};

}  // namespace sallyport::proxy
