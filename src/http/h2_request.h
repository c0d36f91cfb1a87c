// A request head that comes as HTTP/2 fields, made into HTTP/1.1 text (RFC 9113 section 8.3). Only
// what could change the text's structure is judged here; everything else is for the HTTP/1 reader,
// so that both protocols follow one set of rules. One per connection, reused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace sallyport::http {

class H2Request {
 public:
  // `most`: bytes of the header list, `most_field` those of one field as a line. What comes beyond
  // is dropped, and the text is then too large for a reader with the same limit.
  void begin(uint32_t most, uint32_t most_field);

  // False for a field that no request may have: an upper-case or broken name, a control character,
  // a field of the connection (RFC 9113 section 8.2.2), an unknown pseudo-header.
  bool add(std::string_view name, std::string_view value);

  // The size of the header list as HPACK counts it (RFC 7541 section 4.1), dropped fields too.
  uint64_t list_size() const { return list_size_; }

  // The text. False when it is no request: no method, a target of the wrong form, another scheme
  // than http and https. `complete`: no body follows.
  bool finish(bool complete);
  std::string_view text() const { return text_; }
  Method method() const { return method_id_; }
  bool chunked() const { return chunked_; }

 private:
  bool add_pseudo(std::string_view name, std::string_view value);
  void add_field(std::string_view name, std::string_view value);
  bool valid_target() const;
  bool valid_scheme() const;

  uint32_t most_ = 0;
  uint32_t most_field_ = 0;
  uint64_t list_size_ = 0;
  std::string method_;
  std::string scheme_;
  std::string authority_;
  std::string path_;
  std::string host_;
  std::string cookie_;
  std::string fields_;
  std::string text_;
  Method method_id_ = Method::other;
  bool has_authority_ = false;
  bool has_host_ = false;
  bool has_length_ = false;
  bool empty_ = false;  // says content-length: 0
  bool dropped_ = false;
  bool chunked_ = false;
};

}  // namespace sallyport::http
