#include "app/gateway_options.h"

#include <algorithm>
#include <array>

#include <sched.h>

#include "admin/access_gate.h"
#include "admin/own_pages.h"
#include "app/default_certificate.h"
#include "app/hostname.h"
#include "base/file.h"
#include "base/text.h"
#include "conf/dns_settings.h"

namespace sallyport::app {
namespace {

using conf::Key;

void add_listeners(std::vector<proxy::ListenerOptions>& out, proxy::Role role,
                   const std::vector<conf::Listen>& listens) {
  for (const conf::Listen& listen : listens) {
    proxy::ListenerOptions& listener = out.emplace_back();
    listener.role = role;
    listener.address = listen.address;
    listener.port = listen.port;
    listener.ssl = listen.ssl;
    listener.http2 = listen.http2;
    listener.proxy_protocol = listen.proxy_protocol;
    listener.ipv6only = listen.ipv6only.value_or(true);
    listener.udp = listen.udp;
    listener.backlog = listen.backlog;
  }
}

bool any_ssl(const std::vector<conf::Listen>& listens) {
  return std::ranges::any_of(listens, &conf::Listen::ssl);
}

Result<void> take_certificates(proxy::Certificates& out, const conf::Settings& settings, Key listen,
                               Key certificate, Key key) {
  const bool streams = listen == Key::proxy_listen && any_ssl(settings.listen(Key::stream_listen));
  if (!any_ssl(settings.listen(listen)) && !streams) return {};
  auto pairs = server_certificates(settings, certificate, key);
  if (!pairs) return fail(pairs.error());
  out = std::move(*pairs);
  return {};
}

net::BackendChoice backend_of(const std::string& word) {
  if (word == "io_uring") return net::BackendChoice::io_uring;
  if (word == "epoll") return net::BackendChoice::epoll;
  return net::BackendChoice::automatic;
}

void take_limits(proxy::Options& options, const conf::Settings& settings) {
  conf::Buffers buffers = settings.buffers(Key::nginx_http_large_client_header_buffers);
  if (buffers.bytes > 0) {
    options.limits.max_request_line = options.limits.max_field_line =
        static_cast<uint32_t>(std::min<int64_t>(buffers.bytes, 1 << 20));
    options.limits.max_head =
        static_cast<uint32_t>(std::min<int64_t>(buffers.bytes * buffers.count, 1 << 20));
  }
  options.max_body = static_cast<uint64_t>(settings.integer(Key::nginx_http_client_max_body_size));
  options.admin_max_body =
      static_cast<uint64_t>(settings.integer(Key::nginx_admin_client_max_body_size));
  if (settings.is_set(Key::nginx_http_max_headers)) {
    options.limits.max_headers =
        static_cast<uint16_t>(settings.integer(Key::nginx_http_max_headers));
  }
  options.keepalive_requests =
      static_cast<uint32_t>(settings.integer(Key::nginx_http_keepalive_requests));
  options.http2_max_concurrent_streams =
      static_cast<uint32_t>(settings.integer(Key::nginx_http_http2_max_concurrent_streams));
  options.http2_body_preread_size =
      static_cast<uint32_t>(settings.integer(Key::nginx_http_http2_body_preread_size));
  options.upstream_keepalive_pool_size =
      static_cast<uint32_t>(settings.integer(Key::upstream_keepalive_pool_size));
  options.upstream_keepalive_max_requests =
      static_cast<uint32_t>(settings.integer(Key::upstream_keepalive_max_requests));
  options.upstream_keepalive_idle_timeout = std::chrono::seconds(
      static_cast<int64_t>(settings.number(Key::upstream_keepalive_idle_timeout)));
  options.upstream_slow_start = std::chrono::seconds(settings.integer(Key::upstream_slow_start));
}

void take_timeouts(proxy::Options& options, const conf::Settings& settings) {
  auto take = [&settings](Key key, Milliseconds& out) {
    if (settings.is_set(key)) out = std::chrono::seconds(settings.integer(key));
  };
  take(Key::nginx_http_client_header_timeout, options.header_timeout);
  take(Key::nginx_http_client_body_timeout, options.body_timeout);
  take(Key::nginx_http_send_timeout, options.send_timeout);
  take(Key::nginx_http_keepalive_timeout, options.keepalive_timeout);
  take(Key::nginx_http_lingering_timeout, options.linger_timeout);
}

// "" for off.
std::string log_path(const conf::Settings& settings, Key key) {
  std::string log = settings.string(key);
  log = log.substr(0, log.find(' '));  // a format's name may follow
  if (log == "off") return "";
  return log.starts_with('/') ? log : settings.string(Key::prefix) + "/" + log;
}

// OUTSIDE:INSIDE
void take_port_maps(proxy::Options& options, const conf::Settings& settings) {
  for (const std::string& map : settings.list(Key::port_maps)) {
    const size_t colon = map.find(':');
    if (colon == std::string::npos) continue;
    const auto outside = text::to_integer(map.substr(0, colon));
    const auto inside = text::to_integer(map.substr(colon + 1));
    if (!outside || !inside) continue;
    options.port_maps[static_cast<uint16_t>(*inside)] = static_cast<uint16_t>(*outside);
  }
}

std::vector<net::RecordType> record_types(const std::vector<std::string>& words) {
  using enum net::RecordType;
  std::vector<net::RecordType> out;
  for (const std::string& word : words) {
    for (const auto& [name, type] : {std::pair{"LAST", last}, std::pair{"SRV", srv},
                                     std::pair{"A", a}, std::pair{"AAAA", aaaa}}) {
      if (text::equals_ignore_case(word, name)) out.push_back(type);
    }
  }
  return out;
}

void take_dns(proxy::Options& options, const conf::Settings& settings) {
  const conf::DnsSettings dns = conf::DnsSettings::of(settings);
  auto ms = [](double seconds) { return Milliseconds(static_cast<int64_t>(seconds * 1'000)); };
  options.dns_hostsfile = dns.hosts_file;
  options.dns_servers = dns.servers;
  options.dns_order = record_types(dns.order);
  options.dns_valid_ttl = ms(dns.valid_ttl_s);
  options.dns_stale_ttl = ms(dns.stale_ttl_s);
  options.dns_not_found_ttl = ms(dns.not_found_ttl_s);
  options.dns_error_ttl = ms(dns.error_ttl_s);
  options.dns_cache_size = static_cast<size_t>(dns.cache_size);
}

// lua_ssl_trusted_certificate: paths, PEM texts, and "system". "" where that is all.
Result<std::string> trusted_authorities(const conf::Settings& settings) {
  constexpr const char* kSystem = "/etc/ssl/certs/ca-certificates.crt";
  const auto& items = settings.list(Key::lua_ssl_trusted_certificate);
  std::string out;
  if (items.size() == 1 && items.front() == "system") return out;
  for (const std::string& item : items) {
    if (item.find("-----BEGIN ") != std::string::npos) {
      out += item + '\n';
      continue;
    }
    auto text = read_file(item == "system" ? kSystem : item);
    if (!text) {
      return fail("conf.certificate", Side::config,
                  "lua_ssl_trusted_certificate: " + text.error().detail);
    }
    out += *text + '\n';
  }
  return out;
}

// Who may use the Admin API.
Result<void> take_admin_access(proxy::Options& options, const conf::Settings& settings) {
  if (settings.is_set(Key::admin_ssl_client_ca)) {
    auto authorities =
        pem_of(settings.string(Key::admin_ssl_client_ca), conf::name(Key::admin_ssl_client_ca));
    if (!authorities) return fail(authorities.error());
    options.admin_client_authorities = std::move(*authorities);
  }
  if (settings.is_set(Key::admin_access_token_file)) {
    auto tokens = admin::AccessTokens::load(settings.string(Key::admin_access_token_file));
    if (!tokens) return fail(tokens.error());
    auto gate = std::make_shared<admin::AccessGate>(
        std::move(*tokens),
        admin::OwnPages{admin::origins_of(settings.list(Key::admin_gui_url)), hostname()});
    options.admin_gate = [gate](const http::BufferedRequest& head) { return gate->refuse(head); };
  }
  return {};
}

// Of the connections to upstreams.
Result<void> take_upstream_tls(proxy::Options& options, const conf::Settings& settings) {
  auto trusted = trusted_authorities(settings);
  if (!trusted) return fail(trusted.error());
  options.trusted_authorities = std::move(*trusted);
  options.upstream_verify_depth = static_cast<int>(settings.integer(Key::lua_ssl_verify_depth));
  options.upstream_tls_protocols = settings.string(Key::lua_ssl_protocols);
  if (!settings.flag(Key::client_ssl)) return {};
  const std::string& certificate = settings.string(Key::client_ssl_cert);
  const std::string& key = settings.string(Key::client_ssl_cert_key);
  if (certificate.empty() || key.empty()) {
    return fail("conf.certificate", Side::config,
                "client_ssl = on needs client_ssl_cert and client_ssl_cert_key");
  }
  auto pair = read_pair(certificate, key, conf::name(Key::client_ssl_cert));
  if (!pair) return fail(pair.error());
  options.client_certificate = std::move(*pair);
  return {};
}

Result<void> take_error_templates(proxy::Options& options, const conf::Settings& settings) {
  for (const auto& [key, format] : error_template_keys()) {
    if (!settings.is_set(key)) continue;
    auto read = read_error_template(settings, key);
    if (!read) return fail(read.error());
    options.error_templates.emplace(format, std::move(*read));
  }
  return {};
}

bool has_item(const std::vector<std::string>& items, std::string_view word) {
  return std::ranges::find(items, word) != items.end();
}

}  // namespace

std::span<const std::pair<Key, http::BodyFormat>> error_template_keys() {
  static constexpr std::array<std::pair<Key, http::BodyFormat>, 4> kKeys = {
      {{Key::error_template_html, http::BodyFormat::html},
       {Key::error_template_json, http::BodyFormat::json},
       {Key::error_template_xml, http::BodyFormat::xml},
       {Key::error_template_plain, http::BodyFormat::text}}};
  return kKeys;
}

Result<proxy::ErrorTemplate> read_error_template(const conf::Settings& settings, Key key) {
  constexpr size_t kMostBytes = 1u << 20;
  auto named = [key](const Error& error) {
    return fail("conf.error_template", Side::config,
                std::string(conf::name(key)) + ": " + error.detail, error.remedy);
  };
  auto text = read_file(settings.string(key), kMostBytes);
  if (!text) return named(text.error());
  auto parsed = proxy::ErrorTemplate::parse(*text);
  if (!parsed) return named(parsed.error());
  return parsed;
}

int worker_count(const conf::Settings& settings) {
  for (Key key : {Key::workers, Key::nginx_worker_processes}) {
    if (int64_t count = settings.integer(key); count > 0) return static_cast<int>(count);
  }
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  return std::max(1, CPU_COUNT(&allowed));
}

Result<std::string> dh_parameters(const conf::Settings& settings) {
  const std::string& dh = settings.string(Key::ssl_dhparam);
  if (dh.empty() || dh.starts_with("ffdhe")) return dh;
  return pem_of(dh, conf::name(Key::ssl_dhparam));
}

net::TlsPolicy tls_policy(const conf::Settings& settings, std::string dh_parameters) {
  net::TlsPolicy custom;
  custom.protocols = settings.string(Key::ssl_protocols);
  custom.ciphers = settings.string(Key::ssl_ciphers);
  custom.prefer_server_ciphers = settings.flag(Key::ssl_prefer_server_ciphers);
  custom.dh_parameters = std::move(dh_parameters);
  custom.tickets = settings.flag(Key::ssl_session_tickets);
  custom.session_timeout_s = settings.integer(Key::ssl_session_timeout);
  custom.session_cache_bytes = settings.integer(Key::ssl_session_cache_size);
  return net::named_policy(settings.string(Key::ssl_cipher_suite), std::move(custom));
}

Result<proxy::Options> gateway_options(const conf::Settings& settings) {
  proxy::Options options;
  add_listeners(options.listeners, proxy::Role::proxy, settings.listen(Key::proxy_listen));
  add_listeners(options.listeners, proxy::Role::admin, settings.listen(Key::admin_listen));
  add_listeners(options.listeners, proxy::Role::status, settings.listen(Key::status_listen));
  add_listeners(options.listeners, proxy::Role::stream, settings.listen(Key::stream_listen));
  options.workers = worker_count(settings);
  options.io_backend = backend_of(settings.string(Key::io_backend));
  take_limits(options, settings);
  take_timeouts(options, settings);

  options.headers = proxy::ResponseHeaders::parse(settings.list(Key::headers));
  options.upstream_request_id = has_item(settings.list(Key::headers_upstream), "X-Kong-Request-Id");
  options.trusted_ips = settings.list(Key::trusted_ips);
  options.real_ip_header = settings.string(Key::real_ip_header);
  options.real_ip_recursive = settings.flag(Key::real_ip_recursive);
  options.allow_debug_header = settings.flag(Key::allow_debug_header);
  options.error_default_type = settings.string(Key::error_default_type);
  if (auto taken = take_error_templates(options, settings); !taken) return fail(taken.error());
  take_dns(options, settings);
  auto dh = dh_parameters(settings);
  if (!dh) return fail(dh.error());
  options.tls_policy = tls_policy(settings, *std::move(dh));
  if (auto taken = take_upstream_tls(options, settings); !taken) return fail(taken.error());
  if (auto taken = take_admin_access(options, settings); !taken) return fail(taken.error());

  options.access_log = log_path(settings, Key::proxy_access_log);
  if (!settings.listen(Key::stream_listen).empty()) {
    options.stream_access_log = log_path(settings, Key::proxy_stream_access_log);
  }
  take_port_maps(options, settings);

  for (auto& [certificates, listen, cert_key, key_key] :
       {std::tuple{&options.proxy_certificates, Key::proxy_listen, Key::ssl_cert,
                   Key::ssl_cert_key},
        std::tuple{&options.admin_certificates, Key::admin_listen, Key::admin_ssl_cert,
                   Key::admin_ssl_cert_key},
        std::tuple{&options.status_certificates, Key::status_listen, Key::status_ssl_cert,
                   Key::status_ssl_cert_key}}) {
    if (auto taken = take_certificates(*certificates, settings, listen, cert_key, key_key);
        !taken) {
      return fail(taken.error());
    }
  }
  return options;
}

}  // namespace sallyport::app
