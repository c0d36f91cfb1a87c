// Names of methods and header fields as numbers, and small questions about header values. No
// allocation; any thread.
#pragma once

#include <string_view>

#include "http/message.h"

namespace sallyport::http {

// HeaderId::other for names that the gateway does not look at. Case does not matter; `name` must
// consist of token characters.
HeaderId header_id(std::string_view name);

// The lower-case name, "" for HeaderId::other.
std::string_view header_name(HeaderId id);

// Methods are case-sensitive (RFC 9110 section 9.1): "get" is Method::other.
Method method_of(std::string_view text);

// Fields that HTTP/1 has for a connection and that HTTP/2 forbids (RFC 9113 section 8.2.2).
bool connection_specific(HeaderId id);

// Whether a comma separated list, as in Connection, holds `token`. Case does not matter.
bool list_contains(std::string_view list, std::string_view token);

// Takes the next element off a comma separated list, without blanks; empty elements are skipped.
// False at the end.
bool next_element(std::string_view& list, std::string_view& element);

// Without spaces and tabs on either side (OWS).
inline std::string_view trim_blanks(std::string_view s) {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}

}  // namespace sallyport::http
