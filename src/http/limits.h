// How large a client or an upstream may make things. Kong's and nginx's words in parentheses.
#pragma once

#include <cstdint>

namespace sallyport::http {

struct Limits {
  uint32_t max_request_line = 8192;  // (large_client_header_buffers: one buffer)
  uint32_t max_field_line = 8192;    // of a request's head (the same)
  uint32_t max_head = 32768;         // all of the head (4 x 8k)
  uint16_t max_headers = 100;        // (lua_max_req_headers is about plugins; ours bounds parsing)
  uint32_t max_chunk_line = 4096;    // chunk size and extensions
  uint32_t max_trailers = 8192;      // bytes of trailer fields
};

}  // namespace sallyport::http
