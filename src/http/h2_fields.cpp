#include "http/h2_fields.h"

#include "http/headers.h"

namespace sallyport::http {
namespace {

nghttp2_nv field_of(std::string_view name, std::string_view value) {
  // nghttp2 has no const for what it only reads.
  auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

size_t h2_response_fields(const ResponseHead& head, std::span<char, 3> status,
                          std::span<nghttp2_nv> out) {
  status[0] = static_cast<char>('0' + head.status / 100 % 10);
  status[1] = static_cast<char>('0' + head.status / 10 % 10);
  status[2] = static_cast<char>('0' + head.status % 10);
  size_t count = 0;
  out[count++] = field_of(":status", {status.data(), status.size()});
  for (const Header& field : head.fields()) {
    if (count == out.size()) break;
    if (!connection_specific(field.id)) out[count++] = field_of(field.name, field.value);
  }
  return count;
}

}  // namespace sallyport::http
