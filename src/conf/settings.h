// The typed, checked values of all directives of one kong.conf: what Kong's users write, with every
// default filled in. Built by conf::load (loader.h), immutable afterwards, read from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "conf/directives.h"

namespace sallyport::conf {

// One item of a *_listen directive: "0.0.0.0:8443 ssl http2 backlog=16384".
struct Listen {
  std::string address;  // literal IPv4, IPv6 without brackets, or "unix:/path"
  uint16_t port = 0;
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

class Settings {
 public:
  // Typed reads. Asking with the wrong type is a bug of the caller and aborts: the table in
  // directives/*.def says which type a key has (Type in directives.h), and which function reads it.
  bool flag(Key key) const;
  int64_t integer(Key key) const;  // sizes in bytes, durations in seconds; 0 for `auto` and unset
  double number(Key key) const;    // 0 when unset
  const std::string& string(Key key) const;  // also paths and words; "" when unset
  const std::vector<std::string>& list(Key key) const;
  const std::vector<Listen>& listen(Key key) const;  // empty for `off`
  const Secret& secret(Key key) const;
  Buffers buffers(Key key) const;

  // False when the key has neither a value nor a default ("pg_pool_size", "pg_ssl_cert").
  bool is_set(Key key) const;
  Origin origin(Key key) const;

  // nginx_<block>_<name> directives that were written down and are no row of the table, in order.
  const std::vector<std::pair<std::string, std::string>>& injected_nginx() const;

  // The value as text for humans: secrets read "******", a vault reference reads as written.
  std::string display(Key key) const;

 private:
  friend class SettingsBuilder;
  struct Value {
    std::string text;       // as written, normalised; empty for secrets
    std::string reference;  // the {vault://...} that it came from, wholly or in part
    std::vector<std::string> items;
    std::vector<Listen> listens;
    Secret secret;
    Buffers buffers;
    double number = 0;
    bool flag = false;
    bool set = false;
    Origin origin = Origin::defaults;
  };
  const Value& value(Key key) const;
  const Value& value(Key key, std::initializer_list<Type> types) const;

  std::vector<Value> values_;  // by Key
  std::vector<std::pair<std::string, std::string>> injected_nginx_;
};

}  // namespace sallyport::conf
