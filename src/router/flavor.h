// How routes are matched and ordered: Kong's `router_flavor`.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::router {

enum class Flavor : uint8_t { traditional_compatible, traditional, expressions };

// Kong's word; traditional_compatible for any other.
inline Flavor flavor_of(std::string_view word) {
  if (word == "traditional") return Flavor::traditional;
  if (word == "expressions") return Flavor::expressions;
  return Flavor::traditional_compatible;
}

}  // namespace sallyport::router
