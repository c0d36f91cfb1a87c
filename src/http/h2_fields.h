// Response heads as HTTP/2 fields. Views into the head; only for the h2 sessions.
#pragma once

#include <span>

#include <nghttp2/nghttp2.h>

#include "http/h1_reader.h"

namespace sallyport::http {

// Fills `out`, :status first, without the fields of a connection (RFC 9113 section 8.2.2); returns
// how many there are. Names keep their case: nghttp2 lowers them when it copies. `status` is the
// memory of the number.
size_t h2_response_fields(const ResponseHead& head, std::span<char, 3> status,
                          std::span<nghttp2_nv> out);

}  // namespace sallyport::http
