// SRV records out of a DNS answer, with the time that they hold: what c-ares has no call for. Takes
// whatever the network sends; reads no byte twice that a pointer cannot bound. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::net {

struct SrvRecord {
  std::string target;     // lower case, without the dot at the end; "" for "no such service here"
  uint16_t priority = 0;  // smaller first
  uint16_t weight = 0;
  uint16_t port = 0;
  uint32_t ttl_s = 0;
};

// More than a client could use: what is beyond is passed over.
inline constexpr size_t kMaxSrvRecords = 256;

// The records of the answer section, in its order; nothing when the message is broken.
std::optional<std::vector<SrvRecord>> read_srv_answer(std::string_view message);

}  // namespace sallyport::net
