// HTTP/1.1 heads and trailers as HTTP/2 fields. Views into what they are made of; only for the h2
// sessions.
#pragma once

#include <span>

#include <nghttp2/nghttp2.h>

#include "http/h1_reader.h"

namespace sallyport::http {

// Each fills `out`, pseudo-headers first, without the fields of a connection (RFC 9113 section
// 8.2.2); returns how many there are. Names keep their case: nghttp2 lowers them when it copies.

// `status` is the memory of the number. `index_all`: also what is another value with each answer
// gets its place in the table of RFC 7541 section 2.3.2, so that its name need not be spelt
// afterwards.
size_t h2_response_fields(const ResponseHead& head, std::span<char, 3> status, bool index_all,
                          std::span<nghttp2_nv> out);

// A request in origin form. `scheme` is "http" or "https".
size_t h2_request_fields(const RequestHead& head, std::string_view scheme,
                         std::span<nghttp2_nv> out);

// Whole lines, ends included, as a reader of chunks gives them.
size_t h2_trailer_fields(std::string_view lines, std::span<nghttp2_nv> out);

}  // namespace sallyport::http
