#include "http/authority.h"
#include "http/h1_reader.h"
#include "http/head_reader.h"
#include "http/headers.h"
#include "http/request_target.h"

namespace sallyport::http {
namespace {

ParseStatus fail(ParseFault& fault, int status, std::string_view reason) {
  fault = {.status = status, .reason = reason};
  return ParseStatus::error;
}

// RFC 9112 section 3.2: exactly one valid Host in HTTP/1.1; an absolute target's authority replaces
// it, but does not excuse a broken one.
std::string_view check_host(const FramingFields& framing, RequestHead& head) {
  if (framing.host_count > 1) return "two Host fields";
  if (framing.host_count == 0 && head.minor_version >= 1) return "no Host field";
  if (framing.host_count == 1 && !split_authority(framing.host)) return "an invalid Host";
  head.host = framing.host;
  if (head.target.starts_with('/')) return {};
  RequestTarget target = split_target(head.method, head.target);
  if (!target.authority.empty()) head.host = target.authority;
  return {};
}

void decide_connection(const FramingFields& framing, RequestHead& head) {
  bool http_1_1 = head.minor_version >= 1;
  head.keep_alive = !framing.close && (http_1_1 || framing.keep_alive);
  head.expect_continue = http_1_1 && framing.expect_continue;
  head.upgrade = http_1_1 && framing.connection_upgrade && framing.has_upgrade;
  head.content_length = framing.content_length;
  if (framing.chunked()) {
    head.framing = BodyFraming::chunked;
  } else {
    head.framing = framing.has_length() ? BodyFraming::length : BodyFraming::none;
  }
}

}  // namespace

ParseStatus read_request(std::string_view bytes, const Limits& limits, uint32_t& scanned,
                         RequestHead& head, ParseFault& fault) {
  HeadFields fields{.room = head.headers, .first = head.first};
  fields.clear();
  head.method = Method::other;
  head.method_text = head.target = {};
  // HTTP/2 has had its fields measured; a Cookie made of many is one line here.
  HeadReader reader(bytes, limits, head.http2 ? limits.max_head : limits.max_field_line, fields,
                    fault);
  auto first_line = [&head, &fault](std::string_view line) {
    RequestLine parts;
    std::string_view reason;
    int status = read_request_line(line, parts, reason);
    if (status != 0) {
      fail(fault, status, reason);
      return false;
    }
    head.method_text = parts.method;
    head.method = method_of(parts.method);
    head.target = parts.target;
    head.minor_version = parts.minor_version;
    return true;
  };
  ParseStatus status = reader.read(scanned, true, first_line);
  if (status != ParseStatus::complete) return status;

  FramingFields& framing = fields.framing;
  if (fields.count > limits.max_headers || fields.count > kMaxHeaders) {
    return fail(fault, 431, "too many header fields");
  }
  if (!framing.check_lengths(head.minor_version == 0)) {
    return fail(fault, framing.fault_status, framing.fault);
  }
  if (framing.names_framing) return fail(fault, 400, "Connection names a framing field");
  if (std::string_view reason = check_host(framing, head); !reason.empty()) {
    return fail(fault, 400, reason);
  }
  decide_connection(framing, head);
  head.header_count = static_cast<uint16_t>(fields.count);
  head.size = static_cast<uint32_t>(reader.size());
  return ParseStatus::complete;
}

}  // namespace sallyport::http
