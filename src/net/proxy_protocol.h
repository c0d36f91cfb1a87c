// The PROXY protocol, versions 1 and 2: what a load balancer says about its client in front of
// everything else on a connection. Strict: a connection whose header cannot be understood is
// nobody's. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/address.h"

namespace sallyport::net {

// The longest version 1 header, and what version 2 may be with its TLVs.
inline constexpr size_t kMaxProxyHeaderV1 = 107;
inline constexpr size_t kMaxProxyHeaderV2 = 16 + 4096;

struct ProxyHeader {
  size_t size = 0;  // bytes of the header; the connection's own follow
  // Whom the connection was accepted from; nothing for LOCAL, UNKNOWN and unix sockets: the peer
  // speaks for itself.
  std::optional<SocketAddress> source;
};

enum class ProxyParse : uint8_t { complete, need_more, error };

// Looks at `bytes` from the first byte of the connection on; with need_more call again with more.
ProxyParse read_proxy_header(std::string_view bytes, ProxyHeader& out);

}  // namespace sallyport::net
