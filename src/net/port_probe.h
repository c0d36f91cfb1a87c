// Whether somebody else has an address that a node is about to listen on. SO_REUSEPORT, which lets
// the workers share it, would let another node of the same user in without a word (ADR 81). The
// control thread's, before anything of its own is bound.
#pragma once

#include <span>

#include "base/error.h"
#include "net/address.h"

namespace sallyport::net {

struct PortWanted {
  SocketAddress address;
  bool ipv6only = true;
  bool udp = false;
};

// Waits a moment for a process that is ending. Errors: "net.listen" (Side::config), naming the
// address and the remedy. Everything but an address in use is left to those who bind it, and so are
// unix sockets and ports that the kernel is to choose.
Result<void> probe_ports(std::span<const PortWanted> wanted);

}  // namespace sallyport::net
