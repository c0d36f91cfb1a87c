// Turns a name of pg_host into addresses: a literal is itself, then the hosts file (dns_hostsfile),
// then DNS through c-ares with the search domains of /etc/resolv.conf. libpq would resolve inside
// PQconnectStart, blocking without limit. Any thread; blocks until `deadline` at most.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace sallyport::postgres {

struct ResolverSettings {
  std::string hosts_file;  // dns_hostsfile; "" or missing: none
  std::vector<std::string>
      resolvers;  // dns_resolver: "10.0.0.1", "10.0.0.1:53"; empty: the system's
};

struct ResolvedHost {
  std::vector<std::string> addresses;  // literals, in the order to try
  bool from_hosts_file = false;
};

// Errors: "link.name" (the name has no address), "link.timeout".
Result<ResolvedHost> resolve_host(const std::string& host, const ResolverSettings& settings,
                                  TimePoint deadline);

// The addresses that the text of a hosts file gives to `host`, in its order.
std::vector<std::string> addresses_in_hosts_file(std::string_view text, std::string_view host);

bool is_literal_address(const std::string& host);

}  // namespace sallyport::postgres
