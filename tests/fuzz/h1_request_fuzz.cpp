// fuzz: http base
// A request head gets the same verdict however it is cut, and what was accepted survives being
// written out and read again.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "http/h1_reader.h"
#include "http/h1_writer.h"

namespace {

using namespace sallyport::http;  // NOLINT

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  ParseStatus status = ParseStatus::need_more;
  ParseFault fault;
  RequestHead head;
};

// Memory of the exact size, so that ASan sees a read beyond it.
void read(std::string_view bytes, const Limits& limits, uint32_t& scanned, Outcome& out) {
  auto exact = std::make_unique<char[]>(bytes.size());
  std::memcpy(exact.get(), bytes.data(), bytes.size());
  out.status = read_request({exact.get(), bytes.size()}, limits, scanned, out.head, out.fault);
}

void compare(const Outcome& a, const Outcome& b) {
  require(a.status == b.status);
  if (a.status == ParseStatus::error) {
    require(a.fault.status == b.fault.status && a.fault.reason == b.fault.reason);
  }
  if (a.status != ParseStatus::complete) return;
  require(a.head.size == b.head.size && a.head.header_count == b.head.header_count);
  require(a.head.framing == b.head.framing && a.head.content_length == b.head.content_length);
  require(a.head.keep_alive == b.head.keep_alive && a.head.minor_version == b.head.minor_version);
}

void write_and_read_again(std::string_view bytes, const Limits& limits) {
  Outcome first;
  uint32_t scanned = 0;
  first.status = read_request(bytes, limits, scanned, first.head, first.fault);
  if (first.status != ParseStatus::complete || first.head.minor_version == 0) return;
  std::vector<char> room(bytes.size() + 5 * size_t{first.head.header_count} + 100);
  HeadWriter writer(room);
  writer.request_line(first.head.method_text, first.head.target);
  for (const Header& field : first.head.fields()) {
    require(writer.checked_field(field.name, field.value));
  }
  writer.end();
  require(!writer.overflowed());
  Outcome second;
  scanned = 0;
  Limits wide{.max_request_line = 1 << 20,
              .max_field_line = 1 << 20,
              .max_head = 1 << 20,
              .max_headers = kMaxHeaders};
  second.status = read_request(writer.text(), wide, scanned, second.head, second.fault);
  require(second.status == ParseStatus::complete);
  require(second.head.method_text == first.head.method_text);
  require(second.head.target == first.head.target && second.head.host == first.head.host);
  require(second.head.framing == first.head.framing);
  require(second.head.content_length == first.head.content_length);
  require(second.head.header_count == first.head.header_count);
  for (uint16_t i = 0; i < first.head.header_count; ++i) {
    require(second.head.headers[i].name == first.head.headers[i].name);
    require(second.head.headers[i].value == first.head.headers[i].value);
    require(second.head.headers[i].id == first.head.headers[i].id);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The first byte chooses limits and the size of the pieces.
  uint8_t choice = data[0];
  bytes.remove_prefix(1);
  Limits limits;
  if ((choice & 0x80) != 0) limits = {.max_request_line = 40, .max_head = 200, .max_headers = 4};

  static Outcome whole;
  uint32_t scanned = 0;
  read(bytes, limits, scanned, whole);

  static Outcome parts;
  parts.status = ParseStatus::need_more;
  scanned = 0;
  size_t step = size_t{1} + (choice & 0x7f) % 9;
  for (size_t end = 0; end < bytes.size() && parts.status == ParseStatus::need_more;) {
    end = std::min(bytes.size(), end + step);
    read(bytes.substr(0, end), limits, scanned, parts);
  }
  compare(whole, parts);
  write_and_read_again(bytes, limits);
  return 0;
}
