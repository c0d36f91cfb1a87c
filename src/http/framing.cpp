#include "http/framing.h"

#include "base/text.h"
#include "http/headers.h"

namespace sallyport::http {
namespace {

// All elements of `list` are transfer codings of the registry, and none is empty.
bool all_registered(std::string_view list) {
  for (const std::string_view element : text::split(list, ',')) {
    const std::string_view name = trim_blanks(element);
    bool known = false;
    for (std::string_view coding : {"gzip", "x-gzip", "deflate", "compress", "x-compress"}) {
      known |= text::equals_ignore_case(name, coding);
    }
    if (!known) return false;
  }
  return true;
}

}  // namespace

bool FramingFields::fail(std::string_view reason, int status) {
  fault = reason;
  fault_status = status;
  return false;
}

bool FramingFields::look_at(const Header& header) {
  switch (header.id) {
    case HeaderId::content_length:
      return add_length(header.value);
    case HeaderId::transfer_encoding:
      return add_transfer_encoding(header.value);
    case HeaderId::connection:
      add_connection(header.value);
      return true;
    case HeaderId::host:
      ++host_count;
      host = header.value;
      return true;
    case HeaderId::upgrade:
      has_upgrade = true;
      return true;
    case HeaderId::expect:
      expect_continue |= text::equals_ignore_case(header.value, "100-continue");
      return true;
    case HeaderId::other:
      return add_other(header.name);
    default:
      return true;
  }
}

bool FramingFields::add_length(std::string_view value) {
  ++length_count;
  content_length = 0;
  // 18 digits fit into 64 bits, and no one sends an exabyte.
  if (value.empty() || value.size() > 18) return fail("invalid Content-Length");
  for (char c : value) {
    if (c < '0' || c > '9') return fail("invalid Content-Length");
    content_length = content_length * 10 + static_cast<uint64_t>(c - '0');
  }
  return true;
}

bool FramingFields::check_lengths(bool http_1_0) {
  if (length_count > 1) return fail("two Content-Length fields");
  if (transfer_encoding_count > 1) return fail("two Transfer-Encoding fields");
  if (chunked() && has_length()) return fail("Content-Length and Transfer-Encoding together");
  if (chunked() && http_1_0) return fail("Transfer-Encoding in HTTP/1.0");
  return true;
}

// Exactly `chunked`, once (RFC 9112 section 6.1). Codings that are honestly meant are unknown to us
// when chunked comes last (501); anything else leaves the length to who reads it (400).
bool FramingFields::add_transfer_encoding(std::string_view value) {
  ++transfer_encoding_count;
  if (text::equals_ignore_case(value, "chunked")) return true;
  const size_t comma = value.rfind(',');
  if (comma == std::string_view::npos ||
      !text::equals_ignore_case(trim_blanks(value.substr(comma + 1)), "chunked")) {
    return fail("Transfer-Encoding is not chunked");
  }
  return fail("unknown transfer coding", all_registered(value.substr(0, comma)) ? 501 : 400);
}

void FramingFields::add_connection(std::string_view value) {
  std::string_view token;
  while (next_element(value, token)) {
    if (text::equals_ignore_case(token, "close")) close = true;
    if (text::equals_ignore_case(token, "keep-alive")) keep_alive = true;
    if (text::equals_ignore_case(token, "upgrade")) connection_upgrade = true;
    for (std::string_view name : {"content-length", "transfer-encoding", "host"}) {
      names_framing |= text::equals_ignore_case(token, name);
    }
  }
}

// Servers that turn '-' into '_' (CGI and its heirs) would take these for the framing fields.
bool FramingFields::add_other(std::string_view name) {
  auto lookalike = [name](std::string_view framing_name) {
    if (name.size() != framing_name.size()) return false;
    for (size_t i = 0; i < name.size(); ++i) {
      char c = name[i] == '_' ? '-' : text::lower(name[i]);
      if (c != framing_name[i]) return false;
    }
    return true;
  };
  if ((name.size() == 14 && lookalike("content-length")) ||
      (name.size() == 17 && lookalike("transfer-encoding"))) {
    return fail("a framing field spelt with '_'");
  }
  return true;
}

}  // namespace sallyport::http
