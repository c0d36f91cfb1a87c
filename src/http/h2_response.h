// What comes as HTTP/2 fields and is no request's head: the head of a response, and trailers of
// both sides (RFC 9113 sections 8.1 and 8.3.2), made into lines of HTTP/1.1. Judged as H2Request
// judges: what could change the text's structure is refused, the rest is the HTTP/1 reader's. One
// per connection, reused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::http {

class H2Response {
 public:
  // `most`: bytes of the field list. What comes beyond is refused.
  void begin(uint32_t most);

  // False for a field that no message may have, and beyond the limit.
  bool add(std::string_view name, std::string_view value);

  // As HPACK counts (RFC 7541 section 4.1), refused fields too.
  uint64_t list_size() const { return list_size_; }

  // 0: these are trailers.
  int status() const { return status_; }
  // The value of Content-Length, which text() leaves out; "" for none.
  std::string_view length() const { return length_; }
  // Whole lines; of a head, its status line first and no blank line behind.
  std::string_view text() const { return text_; }

 private:
  uint32_t most_ = 0;
  uint64_t list_size_ = 0;
  int status_ = 0;
  std::string length_;
  std::string text_;
};

}  // namespace sallyport::http
