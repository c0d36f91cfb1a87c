#include "model/target_health.h"

namespace sallyport::model {

std::string_view name(Health health) {
  switch (health) {
    case Health::healthy:
      return "HEALTHY";
    case Health::unhealthy:
      return "UNHEALTHY";
    case Health::checks_off:
      return "HEALTHCHECKS_OFF";
    case Health::dns_error:
      break;
  }
  return "DNS_ERROR";
}

uint32_t TargetHealth::total_weight() const {
  uint32_t sum = 0;
  for (const AddressHealth& address : addresses) sum += address.weight;
  return sum;
}

uint32_t TargetHealth::available_weight() const {
  uint32_t sum = 0;
  for (const AddressHealth& address : addresses) {
    if (address.health != Health::unhealthy) sum += address.weight;
  }
  return sum;
}

}  // namespace sallyport::model
