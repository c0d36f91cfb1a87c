#include "proxy/grpc.h"

#include <charconv>

#include "base/json.h"
#include "base/text.h"

namespace sallyport::proxy {
namespace {

constexpr std::string_view kType = "application/grpc";
constexpr uint64_t kNanosecondsPerMs = 1'000'000;

uint64_t nanoseconds_of(char unit) {
  switch (unit) {
    case 'H':
      return 3'600'000 * kNanosecondsPerMs;
    case 'M':
      return 60'000 * kNanosecondsPerMs;
    case 'S':
      return 1'000 * kNanosecondsPerMs;
    case 'm':
      return kNanosecondsPerMs;
    case 'u':
      return 1'000;
    case 'n':
      return 1;
    default:
      return 0;
  }
}

std::string percent_encoded(std::string_view message) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '%') {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

}  // namespace

bool has_grpc_type(const http::RequestHead& request) {
  const http::Header* type = request.find(http::HeaderId::content_type);
  return type != nullptr && text::equals_ignore_case(type->value.substr(0, kType.size()), kType);
}

bool is_grpc(const http::RequestHead& request) {
  if (!request.http2 || !has_grpc_type(request)) return false;
  const http::Header* type = request.find(http::HeaderId::content_type);
  const std::string_view rest = type->value.substr(kType.size());
  return rest.empty() || rest[0] == '+' || rest[0] == ';' || rest[0] == ' ';
}

// As gRPC maps them where a gateway knows nothing better, more exact where it does.
int grpc_status(int status) {
  switch (status) {
    case 200:
      return 0;  // OK
    case 499:
      return 1;  // CANCELLED
    case 408:
    case 504:
      return 4;  // DEADLINE_EXCEEDED
    case 403:
      return 7;  // PERMISSION_DENIED
    case 413:
    case 429:
    case 431:
    case 494:
      return 8;  // RESOURCE_EXHAUSTED
    case 404:
    case 501:
      return 12;  // UNIMPLEMENTED
    case 400:
    case 500:
      return 13;  // INTERNAL
    case 502:
    case 503:
      return 14;  // UNAVAILABLE
    case 401:
      return 16;  // UNAUTHENTICATED
    default:
      return 2;  // UNKNOWN
  }
}

std::string grpc_message(std::string_view body) {
  if (body.starts_with('{')) {
    const Json json = parse_json(body);
    if (json.is_object() && json.contains("message") && json["message"].is_string()) {
      return json["message"].get<std::string>();
    }
  }
  return std::string(body);
}

std::string grpc_fields(int status, std::string_view message) {
  std::string out = "grpc-status: " + std::to_string(status) + "\r\n";
  if (!message.empty()) out += "grpc-message: " + percent_encoded(message) + "\r\n";
  return out;
}

std::optional<uint64_t> grpc_timeout_ms(const http::RequestHead& request) {
  for (const http::Header& field : request.fields()) {
    if (!text::equals_ignore_case(field.name, "grpc-timeout")) continue;
    const std::string_view value = field.value;
    constexpr size_t kMostDigits = 8;
    if (value.size() < 2 || value.size() > kMostDigits + 1) return std::nullopt;
    uint64_t number = 0;
    const char* end = value.data() + value.size() - 1;
    const auto parsed = std::from_chars(value.data(), end, number);
    const uint64_t unit = nanoseconds_of(value.back());
    if (parsed.ec != std::errc{} || parsed.ptr != end || unit == 0) return std::nullopt;
    // In nanoseconds, 8 digits of hours would not fit.
    const uint64_t per_ms = unit / kNanosecondsPerMs;
    if (per_ms > 0) return number * per_ms;
    return (number * unit + kNanosecondsPerMs - 1) / kNanosecondsPerMs;
  }
  return std::nullopt;
}

}  // namespace sallyport::proxy
