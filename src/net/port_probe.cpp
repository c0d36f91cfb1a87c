#include "net/port_probe.h"

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include "base/errno_text.h"

namespace sallyport::net {
namespace {

using std::chrono::milliseconds;

// The kernel takes an io_uring apart, and with it the sockets that it accepts on, after the process
// has gone.
constexpr milliseconds kPatience{2'000};
constexpr milliseconds kPause{20};

bool is_taken(const PortWanted& wanted) {
  const int type = wanted.udp ? SOCK_DGRAM : SOCK_STREAM;
  const int fd = ::socket(wanted.address.family(), type | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  const int only = wanted.ipv6only ? 1 : 0;
  if (wanted.address.family() == AF_INET6) {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
  }
  // Of TCP it lets nobody in who listens; of UDP it would.
  if (!wanted.udp) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const bool taken =
      ::bind(fd, wanted.address.data(), wanted.address.size()) != 0 && errno == EADDRINUSE;
  ::close(fd);
  return taken;
}

}  // namespace

Result<void> probe_ports(std::span<const PortWanted> wanted) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (const PortWanted& one : wanted) {
    if (one.address.is_unix() || one.address.port() == 0) continue;
    while (is_taken(one)) {
      if (std::chrono::steady_clock::now() >= end) {
        return fail("net.listen", Side::config,
                    "cannot listen on " + one.address.text() + (one.udp ? " for UDP" : "") + ": " +
                        errno_text(EADDRINUSE),
                    "stop the process that listens there, or choose another port");
      }
      std::this_thread::sleep_for(kPause);
    }
  }
  return {};
}

}  // namespace sallyport::net
