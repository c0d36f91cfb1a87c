// The parts of an HTTP message that every protocol version shares. Views point into the
// connection's buffer or the exchange's arena; nothing here owns text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::http {

enum class Method : uint8_t {
  get,
  head,
  post,
  put,
  patch,
  del,
  options,
  trace,
  connect,
  other,
};

// Headers that the gateway itself looks at, found while parsing so that nobody searches by name.
enum class HeaderId : uint8_t {
  other = 0,
  accept,
  connection,
  content_length,
  content_type,
  cookie,
  date,
  expect,
  host,
  keep_alive,
  kong_debug,
  location,
  proxy,
  proxy_authorization,
  proxy_connection,
  server,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  via,
  x_accel_buffering,
  x_accel_charset,
  x_accel_expires,
  x_accel_limit_rate,
  x_accel_redirect,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_path,
  x_forwarded_port,
  x_forwarded_prefix,
  x_forwarded_proto,
  x_kong_proxy_latency,
  x_kong_request_id,
  x_kong_upstream_latency,
  x_kong_upstream_status,
  x_pad,
  x_real_ip,
};

inline constexpr size_t kHeaderIds = static_cast<size_t>(HeaderId::x_real_ip) + 1;

struct Header {
  std::string_view name;   // as received
  std::string_view value;  // without surrounding blanks
  HeaderId id = HeaderId::other;
};

// How a message's body is framed (RFC 9112, section 6.3). `length` also for "Content-Length: 0".
enum class BodyFraming : uint8_t { none, length, chunked, until_close };

// A whole request or response held in memory: the Admin API, plugin answers, tests.
struct BufferedRequest {
  std::string method = {};
  std::string target = {};  // origin form: path and query as received
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::string client_ip = {};
};
struct BufferedResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
};

}  // namespace sallyport::http
