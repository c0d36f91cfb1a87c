// The request line and the four forms of a request target (RFC 9112 sections 3 and 3.2). Views into
// the input; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/message.h"

namespace sallyport::http {

enum class TargetForm : uint8_t { origin, absolute, authority, asterisk, invalid };

struct RequestTarget {
  TargetForm form = TargetForm::invalid;
  std::string_view scheme;     // "http" or "https" in any case; absolute form only
  std::string_view authority;  // absolute and authority form; valid (authority.h)
  std::string_view path;       // from '/' on, "" for an absolute target without one; "*"
  std::string_view query;      // behind '?', which it may lack
  bool has_query = false;      // "/a?" has an empty one
};

// Which form `target` has for `method`: authority for CONNECT only, asterisk for OPTIONS only.
// `target` holds neither blanks nor control characters nor '#'.
RequestTarget split_target(Method method, std::string_view target);

struct RequestLine {
  std::string_view method;
  std::string_view target;
  uint8_t minor_version = 1;  // HTTP/1.2 and up are read as 1.1
};

// 0 when `line` (without CR LF) is a request line, else the status that answers it (400, 505) with
// `reason` set to a literal.
int read_request_line(std::string_view line, RequestLine& out, std::string_view& reason);

}  // namespace sallyport::http
