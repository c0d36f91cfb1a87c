#include "conf/dns_settings.h"

#include "base/text.h"

namespace sallyport::conf {
namespace {

// A family has no order: services first, as they may name what addresses do not tell.
std::vector<std::string> order_of(const std::vector<std::string>& family) {
  std::vector<std::string> order = {"LAST"};
  for (const bool services : {true, false}) {
    for (const std::string& word : family) {
      if (text::equals_ignore_case(word, "SRV") == services) order.push_back(word);
    }
  }
  return order;
}

DnsSettings of_newer_client(const Settings& settings) {
  return {.hosts_file = settings.string(Key::resolver_hosts_file),
          .servers = settings.list(Key::resolver_address),
          .order = order_of(settings.list(Key::resolver_family)),
          .valid_ttl_s = settings.number(Key::resolver_valid_ttl),
          .stale_ttl_s = settings.number(Key::resolver_stale_ttl),
          .not_found_ttl_s = settings.number(Key::resolver_error_ttl),
          .error_ttl_s = settings.number(Key::resolver_error_ttl),
          .cache_size = settings.integer(Key::resolver_lru_cache_size)};
}

}  // namespace

DnsSettings DnsSettings::of(const Settings& settings) {
  if (settings.flag(Key::new_dns_client)) return of_newer_client(settings);
  return {.hosts_file = settings.string(Key::dns_hostsfile),
          .servers = settings.list(Key::dns_resolver),
          .order = settings.list(Key::dns_order),
          .valid_ttl_s = settings.number(Key::dns_valid_ttl),
          .stale_ttl_s = settings.number(Key::dns_stale_ttl),
          .not_found_ttl_s = settings.number(Key::dns_not_found_ttl),
          .error_ttl_s = settings.number(Key::dns_error_ttl),
          .cache_size = settings.integer(Key::dns_cache_size)};
}

}  // namespace sallyport::conf
