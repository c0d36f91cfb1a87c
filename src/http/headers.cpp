#include "http/headers.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "base/text.h"

namespace sallyport::http {
namespace {

template <typename Word>
Word load(const char* p) {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

template <typename Word>
bool same_word(const char* a, const char* b) {
  constexpr Word kLower = static_cast<Word>(0x2020202020202020ULL);
  return ((load<Word>(a) | kLower) == (load<Word>(b) | kLower));
}

// Compares without regard to case by setting bit 5, which maps no other token character on a
// letter, a digit or '-'. N includes the literal's NUL.
template <size_t N>
bool same(const char* name, const char (&literal)[N]) {
  constexpr size_t kSize = N - 1;
  if constexpr (kSize >= 8) {
    for (size_t i = 0; i + 8 <= kSize; i += 8) {
      if (!same_word<uint64_t>(name + i, literal + i)) return false;
    }
    return same_word<uint64_t>(name + kSize - 8, literal + kSize - 8);
  } else if constexpr (kSize >= 4) {
    return same_word<uint32_t>(name, literal) &&
           same_word<uint32_t>(name + kSize - 4, literal + kSize - 4);
  } else {
    return same_word<uint16_t>(name, literal) && (name[kSize - 1] | 0x20) == literal[kSize - 1];
  }
}

constexpr std::array<std::string_view, kHeaderIds> kNames = {
    "",
    "accept",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "host",
    "keep-alive",
    "kong-debug",
    "location",
    "proxy",
    "proxy-authorization",
    "proxy-connection",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-accel-buffering",
    "x-accel-charset",
    "x-accel-expires",
    "x-accel-limit-rate",
    "x-accel-redirect",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-path",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-kong-proxy-latency",
    "x-kong-request-id",
    "x-kong-upstream-latency",
    "x-kong-upstream-status",
    "x-pad",
    "x-real-ip",
};

HeaderId id_of_10(const char* p) {
  switch (p[0] | 0x20) {
    case 'c':
      return same(p, "connection") ? HeaderId::connection : HeaderId::other;
    case 'u':
      return same(p, "user-agent") ? HeaderId::user_agent : HeaderId::other;
    case 'k':
      if (same(p, "keep-alive")) return HeaderId::keep_alive;
      return same(p, "kong-debug") ? HeaderId::kong_debug : HeaderId::other;
    default:
      return HeaderId::other;
  }
}

HeaderId id_of_15(const char* p) {
  if (same(p, "x-forwarded-for")) return HeaderId::x_forwarded_for;
  if (same(p, "x-accel-charset")) return HeaderId::x_accel_charset;
  return same(p, "x-accel-expires") ? HeaderId::x_accel_expires : HeaderId::other;
}

HeaderId id_of_16(const char* p) {
  if (same(p, "x-forwarded-host")) return HeaderId::x_forwarded_host;
  if (same(p, "x-forwarded-path")) return HeaderId::x_forwarded_path;
  if (same(p, "x-forwarded-port")) return HeaderId::x_forwarded_port;
  if (same(p, "x-accel-redirect")) return HeaderId::x_accel_redirect;
  return same(p, "proxy-connection") ? HeaderId::proxy_connection : HeaderId::other;
}

HeaderId id_of_17(const char* p) {
  if (same(p, "transfer-encoding")) return HeaderId::transfer_encoding;
  if (same(p, "x-forwarded-proto")) return HeaderId::x_forwarded_proto;
  if (same(p, "x-kong-request-id")) return HeaderId::x_kong_request_id;
  return same(p, "x-accel-buffering") ? HeaderId::x_accel_buffering : HeaderId::other;
}

HeaderId id_of_6(const char* p) {
  if (same(p, "accept")) return HeaderId::accept;
  if (same(p, "cookie")) return HeaderId::cookie;
  if (same(p, "expect")) return HeaderId::expect;
  return same(p, "server") ? HeaderId::server : HeaderId::other;
}

}  // namespace

HeaderId header_id(std::string_view name) {
  const char* p = name.data();
  auto one = [p](const auto& literal, HeaderId id) {
    return same(p, literal) ? id : HeaderId::other;
  };
  switch (name.size()) {
    case 2:
      return one("te", HeaderId::te);
    case 3:
      return one("via", HeaderId::via);
    case 4:
      return same(p, "host") ? HeaderId::host : one("date", HeaderId::date);
    case 5:
      return same(p, "proxy") ? HeaderId::proxy : one("x-pad", HeaderId::x_pad);
    case 6:
      return id_of_6(p);
    case 7:
      return same(p, "upgrade") ? HeaderId::upgrade : one("trailer", HeaderId::trailer);
    case 8:
      return one("location", HeaderId::location);
    case 9:
      return one("x-real-ip", HeaderId::x_real_ip);
    case 10:
      return id_of_10(p);
    case 12:
      return one("content-type", HeaderId::content_type);
    case 14:
      return one("content-length", HeaderId::content_length);
    case 15:
      return id_of_15(p);
    case 16:
      return id_of_16(p);
    case 17:
      return id_of_17(p);
    case 18:
      if (same(p, "x-forwarded-prefix")) return HeaderId::x_forwarded_prefix;
      return one("x-accel-limit-rate", HeaderId::x_accel_limit_rate);
    case 19:
      return one("proxy-authorization", HeaderId::proxy_authorization);
    case 20:
      return one("x-kong-proxy-latency", HeaderId::x_kong_proxy_latency);
    case 22:
      return one("x-kong-upstream-status", HeaderId::x_kong_upstream_status);
    case 23:
      return one("x-kong-upstream-latency", HeaderId::x_kong_upstream_latency);
    default:
      return HeaderId::other;
  }
}

std::string_view header_name(HeaderId id) {
  return kNames[static_cast<size_t>(id)];
}

Method method_of(std::string_view text) {
  switch (text.size()) {
    case 3:
      if (text == "GET") return Method::get;
      return text == "PUT" ? Method::put : Method::other;
    case 4:
      if (text == "POST") return Method::post;
      return text == "HEAD" ? Method::head : Method::other;
    case 5:
      if (text == "PATCH") return Method::patch;
      return text == "TRACE" ? Method::trace : Method::other;
    case 6:
      return text == "DELETE" ? Method::del : Method::other;
    case 7:
      if (text == "OPTIONS") return Method::options;
      return text == "CONNECT" ? Method::connect : Method::other;
    default:
      return Method::other;
  }
}

bool next_element(std::string_view& list, std::string_view& element) {
  while (!list.empty()) {
    size_t comma = list.find(',');
    element = trim_blanks(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (!element.empty()) return true;
  }
  return false;
}

bool connection_specific(HeaderId id) {
  switch (id) {
    case HeaderId::connection:
    case HeaderId::keep_alive:
    case HeaderId::proxy_connection:
    case HeaderId::transfer_encoding:
    case HeaderId::upgrade:
      return true;
    default:
      return false;
  }
}

bool list_contains(std::string_view list, std::string_view token) {
  std::string_view element;
  while (next_element(list, element)) {
    if (text::equals_ignore_case(element, token)) return true;
  }
  return false;
}

}  // namespace sallyport::http
