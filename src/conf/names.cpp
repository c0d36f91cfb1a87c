#include "conf/names.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace sallyport::conf {
namespace {

// Kong injects these into the block of nginx.conf that they name.
constexpr std::array<std::string_view, 15> kFamilies = {
    "nginx_main_",     "nginx_events_",    "nginx_http_",   "nginx_upstream_", "nginx_proxy_",
    "nginx_location_", "nginx_status_",    "nginx_admin_",  "nginx_debug_",    "nginx_stream_",
    "nginx_sproxy_",   "nginx_supstream_", "pluginserver_", "vault_",          "nginx_wasm_"};

// Settings of Kong Enterprise that have no counterpart here; naming them helps who moves over.
constexpr std::array<std::string_view, 17> kEnterprise = {
    "portal",       "enforce_rbac", "rbac_",        "audit_log",         "vitals",
    "keyring_",     "smtp_",        "admin_emails", "admin_gui_auth",    "admin_gui_session",
    "license_path", "analytics",    "konnect_",     "cluster_telemetry", "event_hooks",
    "fips",         "debug_listen"};

std::unordered_map<std::string_view, Naming> make_table() {
  std::unordered_map<std::string_view, Naming> table;
  for (const Directive& row : directives()) {
    table.emplace(row.name, Naming{row.key});
    if (!row.alias.empty()) table.emplace(row.alias, Naming{row.key});
    if (!row.former.empty()) table.emplace(row.former, Naming{row.key, true});
  }
  return table;
}

const std::unordered_map<std::string_view, Naming>& table() {
  static const auto kTable = make_table();
  return kTable;
}

std::vector<std::string_view> known_names() {
  std::vector<std::string_view> names;
  for (const auto& entry : table()) {
    if (!entry.second.former) names.push_back(entry.first);
  }
  std::ranges::sort(names);  // so that of two that are as near, always the same is named
  return names;
}

}  // namespace

Naming resolve_name(std::string_view written) {
  if (auto found = table().find(written); found != table().end()) return found->second;
  auto begins = [&](std::string_view family) {
    return written.starts_with(family) && written.size() > family.size();
  };
  return {std::nullopt, false, std::ranges::any_of(kFamilies, begins)};
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
