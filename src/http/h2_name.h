// What HTTP/2 says about single fields, for both kinds of head.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/character.h"

namespace sallyport::http {

inline constexpr uint64_t kFieldOverhead = 32;  // RFC 7541 section 4.1

// RFC 9113 section 8.2.1: a token in lower case.
inline bool valid_h2_name(std::string_view name) {
  if (name.empty()) return false;
  for (char c : name) {
    if (!is(c, kToken) || (c >= 'A' && c <= 'Z')) return false;
  }
  return true;
}

}  // namespace sallyport::http
