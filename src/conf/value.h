// What one directive's value is made of, once parsed. Values; the loader makes them, Settings holds
// them, and everybody else reads them through Settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"

namespace sallyport::conf {

// One item of a *_listen directive: "0.0.0.0:8443 ssl http2 backlog=16384".
struct Listen {
  std::string address;  // literal IPv4, IPv6 without brackets, or "unix:/path"
  uint16_t port = 0;    // 0 for unix:
  bool ssl = false;
  bool http2 = false;
  bool proxy_protocol = false;
  bool reuseport = false;
  bool deferred = false;
  bool bind = false;
  bool udp = false;
  std::optional<bool> ipv6only;
  std::optional<std::string> so_keepalive;
  int backlog = 511;  // nginx's default

  bool operator==(const Listen&) const = default;
};

// nginx's "4 8k": how many buffers, and how many bytes each.
struct Buffers {
  int64_t count = 0;
  int64_t bytes = 0;

  bool operator==(const Buffers&) const = default;
};

// Where the value in force came from.
enum class Origin : uint8_t { defaults, file, environment, command_line };

struct Value {
  std::string text;       // as written, normalised; empty for secrets
  std::string reference;  // as written, when a {vault://...} stood in it
  std::vector<std::string> items;
  std::vector<Listen> listens;
  Secret secret;
  Buffers buffers;
  double number = 0;
  bool flag = false;
  bool set = false;
  bool inherited = false;  // from the key that Directive::inherits names
  Origin origin = Origin::defaults;
};

}  // namespace sallyport::conf
