// The parts of a target's text: "host:port", IPv6 addresses in brackets. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::balancer {

struct TargetName {
  std::string_view host;  // without brackets
  uint16_t port = 8000;   // Kong's default
};

TargetName split_target(std::string_view target);

// "1.2.3.4:80", "[::1]:80".
std::string address_text(std::string_view ip, uint16_t port);

}  // namespace sallyport::balancer
