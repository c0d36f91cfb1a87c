// How names are looked up: what dns_* says, or with new_dns_client = on what resolver_* says.
// Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "conf/settings.h"

namespace sallyport::conf {

struct DnsSettings {
  std::string hosts_file;
  std::vector<std::string> servers;  // empty: /etc/resolv.conf
  std::vector<std::string> order;    // LAST, SRV, A, AAAA, CNAME, in any case
  double valid_ttl_s = 0;            // 0: what answers say
  double stale_ttl_s = 0;
  double not_found_ttl_s = 0;
  double error_ttl_s = 0;
  int64_t cache_size = 0;

  static DnsSettings of(const Settings& settings);
};

}  // namespace sallyport::conf
