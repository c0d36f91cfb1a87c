// All of a configuration as the Admin API shows it (`GET /`, member `configuration`): Kong's names,
// Kong's shapes, no secret. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "base/json_fwd.h"
#include "conf/settings.h"

namespace sallyport::conf {

// What a named ssl_cipher_suite stands for: Kong shows it in place of what is written.
struct CipherSuite {
  std::string protocols = {};
  std::string ciphers = {};
  bool prefer_server_ciphers = false;
  std::string dh_parameters = {};  // "": none
};

// An object with every directive that has a value: flags as true and false (nginx's own as "on" and
// "off"), numbers as numbers (those of nginx_* as text), lists as arrays (an empty one as {}, as
// Kong's answers have it), secrets as "******", vault references unresolved. Beside them what Kong
// derives: proxy_listeners, enabled_headers, host_ports, nginx_http_directives and their like.
// `loaded_plugins` and paths below the prefix are the caller's to add.
Json to_json(const Settings& settings, const std::optional<CipherSuite>& suite = std::nullopt);

}  // namespace sallyport::conf
