// Who the client is: the peer, or whom a trusted peer says it speaks for (trusted_ips,
// real_ip_header, real_ip_recursive). Built once from the options; immutable; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/h1_reader.h"
#include "net/address.h"

namespace sallyport::proxy {

class RealIp {
 public:
  // Errors: "gateway.option", naming the entry of trusted_ips that is no address and no CIDR.
  static Result<RealIp> create(const std::vector<std::string>& trusted, std::string header,
                               bool recursive);

  // `peer` is nothing for unix sockets.
  bool trusts(const std::optional<net::IpAddress>& peer) const;

  // The client's address as a trusted peer's header gives it; nothing when there is none to take.
  std::optional<net::IpAddress> from_header(const http::RequestHead& head) const;

  // real_ip_header = proxy_protocol: no header of a request is looked at.
  bool by_proxy_protocol() const { return by_proxy_protocol_; }

  bool empty() const { return ranges_.empty() && !trust_unix_; }

 private:
  bool trusted(const net::IpAddress& address) const;
  bool walk(std::string_view list, std::optional<net::IpAddress>& found) const;

  std::vector<net::Cidr> ranges_;
  bool trust_unix_ = false;
  std::string header_;
  bool by_proxy_protocol_ = false;
  bool recursive_ = false;
};

}  // namespace sallyport::proxy
