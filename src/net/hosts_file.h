// Names from /etc/hosts or the file that `dns_hostsfile` names. Read once; immutable; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/address.h"

namespace sallyport::net {

class HostsFile {
 public:
  HostsFile() = default;
  // Lines that are no "address name..." are skipped, as every resolver does.
  static HostsFile parse(std::string_view text);
  // An unreadable file counts as an empty one.
  static HostsFile read(const std::string& path);

  // The addresses of a name, any case; IPv4 before IPv6; empty when it is not there.
  std::span<const IpAddress> find(std::string_view name) const;

 private:
  std::unordered_map<std::string, std::vector<IpAddress>> names_;
};

}  // namespace sallyport::net
