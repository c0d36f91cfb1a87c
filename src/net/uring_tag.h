// What a completion of io_uring belongs to: the object's address with a tag in its low bits.
#pragma once

#include <cstdint>

namespace sallyport::net {

enum UringTag : unsigned {
  kIgnored = 0,
  kReceive,
  kSend,
  kConnect,
  kAccept,
  kWatch,
  kPollReceive,
  kPollSend,
  kTagMask = 7
};

inline uint64_t tagged(const void* object, unsigned tag) {
  return reinterpret_cast<uint64_t>(object) | tag;
}

}  // namespace sallyport::net
