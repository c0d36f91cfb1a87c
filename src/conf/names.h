// Which key a written name means: its own, an nginx_* alias, a former name, or one of the families
// that the table does not list one by one. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "conf/directives.h"

namespace sallyport::conf {

struct Naming {
  std::optional<Key> key;
  bool former = false;  // by a name that it no longer has
  bool family = false;  // nginx_http_*, pluginserver_*, vault_* ...: accepted, no row
};

Naming resolve_name(std::string_view written);
bool is_known(std::string_view written);

// The known name that was probably meant.
std::optional<std::string_view> nearest_name(std::string_view written);

// "unknown key; did you mean pg_ssl_verify?"
std::string unknown_key(std::string_view written);

// "pg_host" -> "KONG_PG_HOST".
std::string variable_of(std::string_view key);

// True for what Kubernetes and Docker put into containers beside a service that is called kong:
// KONG_ADMIN_SERVICE_HOST, KONG_PROXY_PORT_8000_TCP_ADDR.
bool is_service_link(std::string_view variable);

}  // namespace sallyport::conf
