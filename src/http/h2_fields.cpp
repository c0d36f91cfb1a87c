#include "http/h2_fields.h"

#include <algorithm>

#include "http/headers.h"

namespace sallyport::http {
namespace {

// Fields whose value is another one with each answer: in the table that both ends keep they would
// push out all that comes again, and each would be looked for among its kind in vain.
bool new_each_time(HeaderId id) {
  return id == HeaderId::x_kong_request_id || id == HeaderId::x_kong_upstream_latency ||
         id == HeaderId::x_kong_proxy_latency;
}

nghttp2_nv field_of(std::string_view name, std::string_view value,
                    uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
  // nghttp2 has no const for what it only reads.
  auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), flags};
}

size_t append_fields(std::span<const Header> fields, bool index_all, std::span<nghttp2_nv> out,
                     size_t count) {
  for (const Header& field : fields) {
    if (count == out.size()) break;
    if (connection_specific(field.id) || field.id == HeaderId::host) continue;
    const bool kept = index_all || !new_each_time(field.id);
    out[count++] =
        field_of(field.name, field.value, kept ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX);
  }
  return count;
}

}  // namespace

size_t h2_response_fields(const ResponseHead& head, std::span<char, 3> status, bool index_all,
                          std::span<nghttp2_nv> out) {
  status[0] = static_cast<char>('0' + head.status / 100 % 10);
  status[1] = static_cast<char>('0' + head.status / 10 % 10);
  status[2] = static_cast<char>('0' + head.status % 10);
  out[0] = field_of(":status", {status.data(), status.size()});
  return append_fields(head.fields(), index_all, out, 1);
}

size_t h2_request_fields(const RequestHead& head, std::string_view scheme,
                         std::span<nghttp2_nv> out) {
  out[0] = field_of(":method", head.method_text);
  out[1] = field_of(":scheme", scheme);
  out[2] = field_of(":authority", head.host);
  out[3] = field_of(":path", head.target);
  return append_fields(head.fields(), true, out, 4);
}

size_t h2_trailer_fields(std::string_view lines, std::span<nghttp2_nv> out) {
  size_t count = 0;
  while (!lines.empty() && count < out.size()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(std::min(lines.size(), line.size() + 2));
    const size_t colon = line.find(':');
    if (colon == line.npos) continue;
    const std::string_view name = line.substr(0, colon);
    if (connection_specific(header_id(name))) continue;
    out[count++] = field_of(name, trim_blanks(line.substr(colon + 1)));
  }
  return count;
}

}  // namespace sallyport::http
