#include "http/h1_reader.h"
#include "http/head_reader.h"

namespace sallyport::http {
namespace {

ParseStatus fail(ParseFault& fault, std::string_view reason) {
  fault = {.status = 502, .reason = reason};
  return ParseStatus::error;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "HTTP/1.1 200 OK"; the reason phrase and the blank before it may lack, as many servers have it.
bool read_status_line(std::string_view line, ResponseHead& head) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || !is_digit(line[7]) || line[8] != ' ') {
    return false;
  }
  if (line[9] < '1' || line[9] > '9' || !is_digit(line[10]) || !is_digit(line[11])) return false;
  if (line.size() > 12 && line[12] != ' ') return false;
  head.minor_version = line[7] == '0' ? 0 : 1;
  head.status =
      static_cast<uint16_t>((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
  head.reason = line.size() > 13 ? line.substr(13) : std::string_view{};
  return true;
}

// RFC 9112 section 6.3, for responses.
void decide_framing(const FramingFields& framing, Method request_method, ResponseHead& head) {
  head.content_length = framing.content_length;
  head.keep_alive = !framing.close && (head.minor_version >= 1 || framing.keep_alive);
  bool successful = head.status >= 200 && head.status < 300;
  bool never = head.status < 200 || head.status == 204;
  if (never || head.status == 304 || request_method == Method::head ||
      (request_method == Method::connect && successful)) {
    head.framing = BodyFraming::none;
    // A server that announces a body where there is none may well send one.
    if (never && (framing.chunked() || framing.content_length > 0)) head.keep_alive = false;
  } else if (framing.chunked()) {
    head.framing = BodyFraming::chunked;
  } else if (framing.has_length()) {
    head.framing = BodyFraming::length;
  } else {
    head.framing = BodyFraming::until_close;
    head.keep_alive = false;
  }
}

}  // namespace

ParseStatus read_response(std::string_view bytes, const Limits& limits, Method request_method,
                          uint32_t& scanned, ResponseHead& head, ParseFault& fault) {
  HeadFields fields{.room = head.headers, .first = head.first};
  fields.clear();
  HeadReader reader(bytes, limits, limits.max_head, fields, fault);
  ParseStatus status = reader.read(scanned, false, [&head, &fault](std::string_view line) {
    if (read_status_line(line, head)) return true;
    fail(fault, "an invalid status line");
    return false;
  });
  if (status == ParseStatus::error) fault.status = 502;
  if (status != ParseStatus::complete) return status;

  FramingFields& framing = fields.framing;
  if (fields.count > limits.max_headers || fields.count > kMaxHeaders) {
    return fail(fault, "too many header fields");
  }
  if (!framing.check_lengths(head.minor_version == 0)) return fail(fault, framing.fault);
  decide_framing(framing, request_method, head);
  head.header_count = static_cast<uint16_t>(fields.count);
  head.size = static_cast<uint32_t>(reader.size());
  return ParseStatus::complete;
}

}  // namespace sallyport::http
