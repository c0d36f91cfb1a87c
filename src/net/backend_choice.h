// Which kernel interface a loop runs on: kong.conf's `io_backend`.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::net {

enum class BackendChoice : uint8_t {
  automatic,  // io_uring where the kernel and the container allow it, epoll otherwise
  io_uring,
  epoll,
};

inline std::string_view name(BackendChoice choice) {
  switch (choice) {
    case BackendChoice::automatic:
      return "auto";
    case BackendChoice::io_uring:
      return "io_uring";
    case BackendChoice::epoll:
      return "epoll";
  }
  return "";
}

}  // namespace sallyport::net
