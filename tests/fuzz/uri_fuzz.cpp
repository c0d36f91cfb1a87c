// fuzz: http base
// Normal paths stay as they are, hold nothing but what a path may hold, and have no special
// segments. Targets, authorities, forms and Accept headers are read without fault.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "http/accept.h"
#include "http/authority.h"
#include "http/character.h"
#include "http/form.h"
#include "http/request_target.h"
#include "http/uri.h"

namespace {

using namespace sallyport::http;  // NOLINT

void require(bool holds) {
  if (!holds) std::abort();
}

void check_path(std::string_view path) {
  auto normal = normalized_path(path);
  if (!normal) return;
  require(normalized_path(*normal) == *normal);
  require(normal->size() <= normalized_room(path.size()));
  if (*normal == "*") return;
  require(normal->starts_with('/'));
  require(normal->find("//") == std::string::npos);
  std::string with_end = *normal + "/";
  require(with_end.find("/./") == std::string::npos && with_end.find("/../") == std::string::npos);
  for (size_t i = 0; i < normal->size(); ++i) {
    char c = (*normal)[i];
    require(c > 0x20 && c < 0x7f);
    if (c != '%') continue;
    require(i + 2 < normal->size() && hex_value((*normal)[i + 1]) >= 0);
    auto byte = static_cast<char>(hex_value((*normal)[i + 1]) * 16 + hex_value((*normal)[i + 2]));
    require(byte != 0 && !is(byte, kUnreserved));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto exact = std::make_unique<char[]>(size);
  if (size != 0) std::memcpy(exact.get(), data, size);
  std::string_view text(exact.get(), size);

  check_path(text);
  require(percent_decode(percent_encode(text)) == text);
  for (Method method : {Method::get, Method::connect, Method::options}) {
    RequestTarget target = split_target(method, text);
    if (target.form == TargetForm::invalid) continue;
    require(target.path.size() + target.query.size() + target.authority.size() <= size);
  }
  if (auto authority = split_authority(text)) require(!authority->host.empty());
  RequestLine line;
  std::string_view reason;
  require(read_request_line(text, line, reason) == 0 || !reason.empty());
  decode_form(text, 50);
  if (auto boundary = multipart_boundary(text)) require(!boundary->empty());
  decode_multipart(text, "b", 50);
  choose_format(text, BodyFormat::json);
  return 0;
}
