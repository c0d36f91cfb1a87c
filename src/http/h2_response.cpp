#include "http/h2_response.h"

#include "http/character.h"
#include "http/h1_writer.h"
#include "http/h2_name.h"
#include "http/headers.h"

namespace sallyport::http {
namespace {

// Three digits of a status that can be a response's; else 0.
int status_of(std::string_view text) {
  if (text.size() != 3 || text[0] < '1' || text[0] > '9') return 0;
  int status = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status;
}

}  // namespace

void H2Response::begin(uint32_t most) {
  most_ = most;
  list_size_ = 0;
  status_ = 0;
  length_.clear();
  text_.clear();
}

bool H2Response::add(std::string_view name, std::string_view value) {
  list_size_ += name.size() + value.size() + kFieldOverhead;
  if (list_size_ > most_) return false;
  if (name.starts_with(':')) {
    // nghttp2 has seen to it that there is one, and that it comes first.
    if (name != ":status" || status_ != 0 || !text_.empty()) return false;
    status_ = status_of(value);
    text_.append("HTTP/1.1 ").append(value).append(" \r\n");
    return status_ != 0;
  }
  if (!valid_h2_name(name) || !valid_field_value(value)) return false;
  const HeaderId id = header_id(name);
  if (connection_specific(id)) return false;
  if (id == HeaderId::content_length) {
    if (!length_.empty() || status_ == 0) return false;
    length_ = value;
    return true;
  }
  text_.append(name).append(": ").append(value).append("\r\n");
  return true;
}

}  // namespace sallyport::http
