// fuzz: http base
// A response head gets the same verdict however it is cut, and its framing keeps to RFC 9112,
// section 6.3.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "http/h1_reader.h"

namespace {

using namespace sallyport::http;  // NOLINT

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  ParseStatus status = ParseStatus::need_more;
  ParseFault fault;
  ResponseHead head;
};

void read(std::string_view bytes, const Limits& limits, Method method, uint32_t& scanned,
          Outcome& out) {
  auto exact = std::make_unique<char[]>(bytes.size());
  std::memcpy(exact.get(), bytes.data(), bytes.size());
  out.status =
      read_response({exact.get(), bytes.size()}, limits, method, scanned, out.head, out.fault);
}

void check(const ResponseHead& head, Method method) {
  require(head.status >= 100 && head.status <= 999);
  bool no_body = head.status < 200 || head.status == 204 || head.status == 304 ||
                 method == Method::head ||
                 (method == Method::connect && head.status >= 200 && head.status < 300);
  require(no_body == (head.framing == BodyFraming::none));
  require(head.framing != BodyFraming::until_close || !head.keep_alive);
  bool length = head.find(HeaderId::content_length) != nullptr;
  bool coding = head.find(HeaderId::transfer_encoding) != nullptr;
  require(!(length && coding));
  if (head.framing == BodyFraming::length) require(length);
  if (head.framing == BodyFraming::chunked) require(coding && head.minor_version == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  uint8_t choice = data[0];
  bytes.remove_prefix(1);
  Method method = static_cast<Method>((choice >> 4 & 7) + 1);
  Limits limits;
  if ((choice & 0x80) != 0) limits = {.max_request_line = 40, .max_head = 200, .max_headers = 4};

  static Outcome whole;
  uint32_t scanned = 0;
  read(bytes, limits, method, scanned, whole);
  if (whole.status == ParseStatus::complete) check(whole.head, method);

  static Outcome parts;
  parts.status = ParseStatus::need_more;
  scanned = 0;
  size_t step = size_t{1} + (choice & 15);
  for (size_t end = 0; end < bytes.size() && parts.status == ParseStatus::need_more;) {
    end = std::min(bytes.size(), end + step);
    read(bytes.substr(0, end), limits, method, scanned, parts);
  }
  require(whole.status == parts.status);
  if (whole.status == ParseStatus::error) require(whole.fault.reason == parts.fault.reason);
  if (whole.status == ParseStatus::complete) {
    require(whole.head.size == parts.head.size && whole.head.framing == parts.head.framing);
  }
  return 0;
}
