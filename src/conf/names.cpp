#include "conf/names.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace sallyport::conf {
namespace {

// Kong injects these into the block of nginx.conf that they name.
constexpr std::array<std::string_view, 14> kFamilies = {
    "nginx_main_",     "nginx_events_",    "nginx_http_",   "nginx_upstream_", "nginx_proxy_",
    "nginx_location_", "nginx_status_",    "nginx_admin_",  "nginx_debug_",    "nginx_stream_",
    "nginx_sproxy_",   "nginx_supstream_", "pluginserver_", "vault_"};
constexpr std::string_view kWasm = "nginx_wasm_";

// Settings of Kong Enterprise that have no counterpart here; naming them helps who moves over.
constexpr std::array<std::string_view, 17> kEnterprise = {
    "portal",       "enforce_rbac", "rbac_",        "audit_log",         "vitals",
    "keyring_",     "smtp_",        "admin_emails", "admin_gui_auth",    "admin_gui_session",
    "license_path", "analytics",    "konnect_",     "cluster_telemetry", "event_hooks",
    "fips",         "debug_listen"};

std::vector<std::string_view> known_names() {
  std::vector<std::string_view> names;
  for (const Directive& row : directives()) {
    names.push_back(row.name);
    if (!row.alias.empty()) names.push_back(row.alias);
  }
  return names;
}

}  // namespace

Naming resolve_name(std::string_view written) {
  for (const Directive& row : directives()) {
    if (written == row.name || (!row.alias.empty() && written == row.alias)) return {row.key};
    if (!row.former.empty() && written == row.former) return {row.key, true};
  }
  auto begins = [&](std::string_view family) {
    return written.starts_with(family) && written.size() > family.size();
  };
  return {std::nullopt, false, std::ranges::any_of(kFamilies, begins) || begins(kWasm)};
}

bool is_known(std::string_view written) {
  Naming naming = resolve_name(written);
  return naming.key || naming.family;
}

std::optional<std::string_view> nearest_name(std::string_view written) {
  return text::nearest(text::lower(written), known_names());
}

std::string unknown_key(std::string_view written) {
  for (std::string_view family : kEnterprise) {
    if (written.starts_with(family)) {
      return "unknown key: a setting of Kong Enterprise that has no counterpart here; take the "
             "line away";
    }
  }
  if (auto near = nearest_name(written)) {
    return fmt::format("unknown key, did you mean {}?", *near);
  }
  return "unknown key; docs/configuration.md lists the known ones";
}

std::string variable_of(std::string_view key) {
  std::string out = "KONG_" + std::string(key);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

bool is_service_link(std::string_view variable) {
  return variable.ends_with("_SERVICE_HOST") || variable.find("_SERVICE_PORT") != variable.npos ||
         variable.ends_with("_PORT") || variable.find("_TCP") != variable.npos ||
         variable.find("_UDP") != variable.npos;
}

}  // namespace sallyport::conf
