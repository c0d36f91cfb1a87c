#include "http/h2_request.h"

#include "base/text.h"
#include "http/character.h"
#include "http/h1_writer.h"
#include "http/h2_name.h"
#include "http/headers.h"

namespace sallyport::http {

void H2Request::begin(uint32_t most, uint32_t most_field) {
  most_ = most;
  most_field_ = most_field;
  list_size_ = 0;
  for (std::string* text :
       {&method_, &scheme_, &authority_, &path_, &host_, &cookie_, &fields_, &text_}) {
    text->clear();
  }
  method_id_ = Method::other;
  has_authority_ = has_host_ = has_length_ = empty_ = dropped_ = false;
}

bool H2Request::add(std::string_view name, std::string_view value) {
  const bool pseudo = name.starts_with(':');
  const bool room =
      list_size_ <= most_ && (pseudo || name.size() + 2 + value.size() <= most_field_);
  dropped_ |= !room;
  list_size_ += name.size() + value.size() + kFieldOverhead;
  if (pseudo) return !room || add_pseudo(name, value);
  if (!valid_h2_name(name) || !valid_field_value(value)) return false;
  const HeaderId id = header_id(name);
  if (connection_specific(id)) return false;
  if (id == HeaderId::te && !text::equals_ignore_case(value, "trailers")) return false;
  if (!room) return true;
  if (id == HeaderId::host && !has_host_) {
    has_host_ = true;
    host_ = value;
  } else if (id == HeaderId::cookie) {
    // RFC 9113 section 8.2.3: one field again.
    if (!cookie_.empty()) cookie_ += "; ";
    cookie_ += value;
  } else if (id == HeaderId::content_length && value == "0") {
    empty_ = true;
  } else {
    has_length_ |= id == HeaderId::content_length;
    add_field(name, value);
  }
  return true;
}

bool H2Request::add_pseudo(std::string_view name, std::string_view value) {
  std::string* part = nullptr;
  if (name == ":method") part = &method_;
  if (name == ":scheme") part = &scheme_;
  if (name == ":path") part = &path_;
  if (name == ":authority") {
    part = &authority_;
    has_authority_ = true;
  }
  // A second one would be empty or a lie; nghttp2 has refused it already.
  if (part == nullptr || !part->empty() || !all_of(value, kTarget)) return false;
  *part = value;
  return true;
}

void H2Request::add_field(std::string_view name, std::string_view value) {
  fields_ += name;
  fields_ += ": ";
  fields_ += value;
  fields_ += "\r\n";
}

bool H2Request::valid_target() const {
  if (method_id_ == Method::connect) return path_.empty() && !authority_.empty();
  return path_.starts_with('/') || (path_ == "*" && method_id_ == Method::options);
}

bool H2Request::valid_scheme() const {
  if (method_id_ == Method::connect) return scheme_.empty();
  return text::equals_ignore_case(scheme_, "http") || text::equals_ignore_case(scheme_, "https");
}

bool H2Request::finish(bool complete) {
  if (method_.empty() || !all_of(method_, kToken)) return false;
  method_id_ = method_of(method_);
  if (!valid_target() || !valid_scheme()) return false;
  text_ += method_;
  text_ += ' ';
  text_ += method_id_ == Method::connect ? authority_ : path_;
  text_ += " HTTP/1.1\r\n";
  auto line = [this](std::string_view name, std::string_view value) {
    text_ += name;
    text_ += value;
    text_ += "\r\n";
  };
  if (has_authority_) line("host: ", authority_);
  // RFC 9113 section 8.3.1: a Host that differs makes two, which the reader refuses.
  if (has_host_ && (!has_authority_ || host_ != authority_)) line("host: ", host_);
  text_ += fields_;
  if (!cookie_.empty()) line("cookie: ", cookie_);
  // Where more frames follow it is no whole request yet, whatever the length says.
  if (empty_ && complete) line("content-length: ", "0");
  chunked_ = !complete && !has_length_;
  if (chunked_) line("transfer-encoding: ", "chunked");
  if (dropped_) line("x: ", std::string(most_, 'x'));  // refused for its size, whatever is left
  text_ += "\r\n";
  return true;
}

}  // namespace sallyport::http
