#include "http/request_target.h"

#include <cstddef>
#include <cstring>

#include "base/text.h"
#include "http/authority.h"
#include "http/character.h"
#include "http/h1_reader.h"
#include "http/headers.h"

namespace sallyport::http {
namespace {

constexpr size_t kVersionSize = 8;  // "HTTP/1.1"

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// all_of(s, kTarget), eight bytes at a time.
bool valid_target(std::string_view s) {
  constexpr uint64_t kOnes = 0x0101010101010101ULL;
  constexpr uint64_t kHigh = 0x8080808080808080ULL;
  auto zero_byte = [](uint64_t x) { return (x - kOnes) & ~x & kHigh; };
  while (s.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, s.data(), 8);
    uint64_t up_to_blank = (word - kOnes * 0x21) & ~word & kHigh;
    if ((up_to_blank | zero_byte(word ^ (kOnes * '#')) | zero_byte(word ^ (kOnes * 0x7f))) != 0) {
      return false;
    }
    s.remove_prefix(8);
  }
  return all_of(s, kTarget);
}

bool fits_method(Method method, std::string_view target) {
  if (target.starts_with('/') && method != Method::connect) return true;
  return split_target(method, target).form != TargetForm::invalid;
}

void split_path(std::string_view text, RequestTarget& out) {
  size_t question = text.find('?');
  out.path = text.substr(0, question);
  out.has_query = question != std::string_view::npos;
  if (out.has_query) out.query = text.substr(question + 1);
}

RequestTarget split_absolute(std::string_view target) {
  RequestTarget out;
  size_t colon = target.find("://");
  if (colon == std::string_view::npos) return out;
  out.scheme = target.substr(0, colon);
  if (!text::equals_ignore_case(out.scheme, "http") &&
      !text::equals_ignore_case(out.scheme, "https")) {
    return out;
  }
  std::string_view rest = target.substr(colon + 3);
  size_t end = rest.find_first_of("/?");
  out.authority = rest.substr(0, end);
  if (!split_authority(out.authority)) return out;
  if (end != std::string_view::npos) split_path(rest.substr(end), out);
  out.form = TargetForm::absolute;
  return out;
}

}  // namespace

RequestTarget split_target(Method method, std::string_view target) {
  RequestTarget out;
  if (method == Method::connect) {
    auto authority = split_authority(target);
    if (!authority || !authority->has_port) return out;
    out.form = TargetForm::authority;
    out.authority = target;
    return out;
  }
  if (target.starts_with('/')) {
    out.form = TargetForm::origin;
    split_path(target, out);
    return out;
  }
  if (target == "*") {
    out.form = method == Method::options ? TargetForm::asterisk : TargetForm::invalid;
    out.path = target;
    return out;
  }
  return split_absolute(target);
}

int read_request_line(std::string_view line, RequestLine& out, std::string_view& reason) {
  auto refuse = [&reason](int status, std::string_view why) {
    reason = why;
    return status;
  };
  if (line == "PRI * HTTP/2.0") return refuse(505, kHttp2Preface);
  if (line.empty()) return refuse(400, "an empty request line");
  size_t method_end = 0;
  while (method_end < line.size() && is(line[method_end], kToken)) ++method_end;
  if (method_end == 0 || method_end == line.size() || line[method_end] != ' ') {
    return refuse(400, "an invalid method");
  }
  if (line.size() < method_end + kVersionSize + 3) return refuse(400, "an incomplete request line");
  size_t version_begin = line.size() - kVersionSize;
  std::string_view version = line.substr(version_begin);
  if (line[version_begin - 1] != ' ' || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return refuse(400, "an invalid HTTP version");
  }
  std::string_view target = line.substr(method_end + 1, version_begin - method_end - 2);
  if (!valid_target(target)) return refuse(400, "an invalid character in the request target");
  if (version[5] != '1') return refuse(505, "an HTTP version other than 1.0 and 1.1");
  std::string_view method = line.substr(0, method_end);
  if (!fits_method(method_of(method), target)) {
    return refuse(400, "an invalid request target");
  }
  out = {.method = method,
         .target = target,
         .minor_version = static_cast<uint8_t>(version[7] == '0' ? 0 : 1)};
  return 0;
}

}  // namespace sallyport::http
