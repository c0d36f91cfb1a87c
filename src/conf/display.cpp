#include "conf/display.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "conf/listen_syntax.h"

namespace sallyport::conf {
namespace {

constexpr std::array kBlocks = {"main",   "events", "http",   "upstream",  "proxy", "location",
                                "status", "admin",  "stream", "supstream", "sproxy"};
// Nothing can be in these.
constexpr std::array kWasmBlocks = {"wasm_main", "wasm_main_shm_kv", "wasm_v8", "wasm_wasmer",
                                    "wasm_wasmtime"};

bool is_nginx(std::string_view name) {
  return name.starts_with("nginx_");
}

// Lua's empty table is written {} by Kong, whether it is a list or not.
Json array_or_table(Json array) {
  return array.empty() ? Json::object() : array;
}

Json number_json(double number) {
  if (number == static_cast<double>(static_cast<int64_t>(number))) {
    return static_cast<int64_t>(number);
  }
  return number;
}

Json items_json(const Settings& settings, Key key) {
  Json out = Json::array();
  bool lower = key == Key::headers || key == Key::headers_upstream;
  for (std::string_view item : text::list(settings.display(key))) {
    out.push_back(lower ? text::lower(item) : std::string(item));
  }
  return array_or_table(std::move(out));
}

Json value_json(const Settings& settings, const Directive& row) {
  if (row.masked()) return "******";
  if (settings.is_reference(row.key)) return settings.display(row.key);
  switch (row.type) {
    case Type::flag:
      return settings.flag(row.key);
    case Type::integer:
    case Type::number: {
      const std::string& text = settings.string(row.key);
      bool word = !text.empty() && text.find_first_of("0123456789") == std::string::npos;
      if (is_nginx(row.name) || word) return text;
      return number_json(settings.number(row.key));
    }
    case Type::list:
    case Type::listen:
      if (row.key == Key::pg_host || row.key == Key::pg_ro_host) return settings.display(row.key);
      return items_json(settings, row.key);
    default:
      return settings.display(row.key);
  }
}

// Kong leaves out what has no value, but shows empty lists, and masks secret lists even then.
bool is_shown(const Settings& settings, const Directive& row) {
  if (row.type == Type::list || row.type == Type::listen) {
    return settings.is_set(row.key) || row.section != Section::postgres_read_only;
  }
  if (!settings.is_set(row.key)) return false;
  bool of_unused_link = row.section == Section::postgres_read_only &&
                        settings.is_inherited(row.key) && !settings.is_set(Key::pg_ro_host);
  return !of_unused_link || row.type == Type::flag;
}

std::string listener_text(const Listen& listen) {
  std::string out = address_text(listen);
  auto add = [&](bool there, std::string_view flag) {
    if (there) out.append(" ").append(flag);
  };
  add(listen.ssl, "ssl");
  add(listen.udp, "udp");
  add(listen.proxy_protocol, "proxy_protocol");
  add(listen.deferred, "deferred");
  add(listen.bind, "bind");
  add(listen.reuseport, "reuseport");
  if (listen.backlog != Listen{}.backlog) out += fmt::format(" backlog={}", listen.backlog);
  if (listen.ipv6only) add(true, *listen.ipv6only ? "ipv6only=on" : "ipv6only=off");
  if (listen.so_keepalive) out += fmt::format(" so_keepalive={}", *listen.so_keepalive);
  return out;
}

Json listener_json(const Listen& listen) {
  Json out = Json::object();
  out["listener"] = listener_text(listen);
  out["ip"] = listen.address;
  if (listen.port != 0) out["port"] = listen.port;
  out["ssl"] = listen.ssl;
  out["http2"] = listen.http2;
  out["proxy_protocol"] = listen.proxy_protocol;
  out["deferred"] = listen.deferred;
  out["bind"] = listen.bind;
  out["reuseport"] = listen.reuseport;
  out[fmt::format("backlog={}", listen.backlog)] = true;
  return out;
}

void add_listeners(const Settings& settings, Json& out) {
  constexpr std::array<std::pair<Key, std::string_view>, 6> kListens = {
      {{Key::proxy_listen, "proxy_ssl_enabled"},
       {Key::admin_listen, "admin_ssl_enabled"},
       {Key::status_listen, "status_ssl_enabled"},
       {Key::stream_listen, "stream_proxy_ssl_enabled"},
       {Key::admin_gui_listen, "admin_gui_ssl_enabled"},
       {Key::cluster_listen, ""}}};
  for (const auto& [key, enabled] : kListens) {
    Json listeners = Json::array();
    bool ssl = false;
    for (const Listen& listen : settings.listen(key)) {
      listeners.push_back(listener_json(listen));
      ssl |= listen.ssl;
    }
    out[std::string(name(key)) + "ers"] = array_or_table(std::move(listeners));
    if (!enabled.empty()) out[std::string(enabled)] = ssl;
  }
}

void add_headers(const Settings& settings, Json& out) {
  constexpr std::array<std::string_view, 2> kServer = {"Server", "Via"};
  constexpr std::array<std::string_view, 4> kLatency = {
      "X-Kong-Proxy-Latency", "X-Kong-Response-Latency", "X-Kong-Admin-Latency",
      "X-Kong-Upstream-Latency"};
  for (auto [key, member] : {std::pair{Key::headers, "enabled_headers"},
                             std::pair{Key::headers_upstream, "enabled_headers_upstream"}}) {
    Json enabled = Json::object();
    for (std::string_view word : accepted_words(directive(key))) {
      if (word != "off") enabled[std::string(word)] = false;
    }
    for (const std::string& item : settings.list(key)) {
      enabled[item] = true;
      if (item == "server_tokens") {
        for (std::string_view each : kServer) enabled[std::string(each)] = true;
      } else if (item == "latency_tokens") {
        for (std::string_view each : kLatency) enabled[std::string(each)] = true;
      }
    }
    out[member] = std::move(enabled);
  }
}

void add_host_ports(const Settings& settings, Json& out) {
  Json ports = Json::object();
  for (const std::string& map : settings.list(Key::port_maps)) {
    size_t colon = map.find(':');
    ports[map.substr(colon + 1)] = text::to_integer(map.substr(0, colon)).value_or(0);
  }
  out["host_ports"] = std::move(ports);
}

// nginx_<block>_<name> -> an entry of nginx_<block>_directives, and a member of its own.
void add_directive(std::string_view name, const std::string& value, Json& out) {
  for (std::string_view block : kBlocks) {
    std::string prefix = fmt::format("nginx_{}_", block);
    if (!name.starts_with(prefix)) continue;
    Json entry = Json::object();
    entry["name"] = name.substr(prefix.size());
    entry["value"] = value;
    Json& directives = out[prefix + "directives"];
    if (!directives.is_array()) directives = Json::array();
    directives.push_back(std::move(entry));
  }
  out[std::string(name)] = value;
}

// "" for none.
std::string nginx_value(const Settings& settings, const std::optional<CipherSuite>& suite,
                        Key key) {
  if (suite && key == Key::ssl_protocols) return suite->protocols;
  if (suite && key == Key::ssl_prefer_server_ciphers) {
    return suite->prefer_server_ciphers ? "on" : "off";
  }
  if (suite && key == Key::ssl_dhparam) return suite->dh_parameters;
  return settings.is_set(key) ? settings.display(key) : "";
}

void add_nginx(const Settings& settings, const std::optional<CipherSuite>& suite, Json& out) {
  for (const char* block : kBlocks) out[fmt::format("nginx_{}_directives", block)] = Json::object();
  for (const char* block : kWasmBlocks) {
    out[fmt::format("nginx_{}_directives", block)] = Json::object();
  }
  constexpr std::string_view kHttp = "nginx_http_";
  for (const Directive& row : directives()) {
    const std::string value = nginx_value(settings, suite, row.key);
    if (value.empty() || row.masked()) continue;
    // Of the two blocks that a directive may be written in, the outer one.
    const bool outer = row.name.starts_with(kHttp);
    if (!row.alias.empty() && !outer) add_directive(row.alias, value, out);
    if (is_nginx(row.name)) add_directive(row.name, value, out);
    // What holds for TLS holds in both.
    const std::string_view inside =
        row.alias.starts_with(kHttp) ? row.alias.substr(kHttp.size()) : "";
    if (inside.starts_with("ssl_") || inside.starts_with("lua_ssl_")) {
      add_directive(fmt::format("nginx_stream_{}", inside), value, out);
    }
  }
  for (const auto& [name, value] : settings.injected_nginx()) {
    if (!out.contains(name)) add_directive(name, value, out);
  }
}

void add_suite(const CipherSuite& suite, Json& out) {
  out["ssl_ciphers"] = suite.ciphers;
  if (suite.dh_parameters.empty()) {
    out.erase("ssl_dhparam");
  } else {
    out["ssl_dhparam"] = suite.dh_parameters;
  }
}

}  // namespace

Json to_json(const Settings& settings, const std::optional<CipherSuite>& suite) {
  Json out = Json::object();
  for (const Directive& row : directives()) {
    if (is_shown(settings, row)) out[std::string(row.name)] = value_json(settings, row);
  }
  add_listeners(settings, out);
  add_headers(settings, out);
  add_host_ports(settings, out);
  add_nginx(settings, suite, out);
  if (suite) add_suite(*suite, out);
  Json vaults = Json::object();
  for (const std::string& vault : settings.list(Key::vaults)) {
    if (vault == "bundled" || vault == "env") vaults["env"] = true;
  }
  out["loaded_vaults"] = std::move(vaults);
  return out;
}

}  // namespace sallyport::conf
