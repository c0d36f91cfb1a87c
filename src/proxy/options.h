// Everything that the data plane is told at start; the defaults are Kong's. Filled by the app from
// the settings, copied into every worker, immutable afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "balancer/health_board.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "http/accept.h"
#include "http/limits.h"
#include "http/message.h"
#include "net/backend_choice.h"
#include "net/dns_channel.h"
#include "net/tls_policy.h"
#include "proxy/error_template.h"

namespace sallyport::proxy {

// Who a listener speaks for.
enum class Role : uint8_t { proxy, admin, status, stream };

struct ListenerOptions {
  Role role = Role::proxy;
  std::string address;  // literal IPv4, IPv6 without brackets, or "unix:/path"
  uint16_t port = 0;    // 0: the kernel picks one; Gateway::listeners() tells
  bool ssl = false;
  bool proxy_protocol = false;
  bool http2 = false;  // by ALPN with `ssl`, by prior knowledge without
  bool ipv6only = true;
  bool udp = false;  // Role::stream only
  int backlog = 511;
};

// A certificate with its key, as PEM texts.
struct Certificate {
  std::string chain_pem;
  Secret key_pem;
};
// Of the `ssl` listeners of one role, each of another kind of key. Empty: the role has none, its
// `ssl` listeners are refused at start.
using Certificates = std::vector<Certificate>;

// Answers one buffered request of the admin or status listeners. `reply` is called exactly once, on
// any thread; a reply that is dropped uncalled becomes a 500. The client may have gone meanwhile.
using Reply = std::function<void(http::BufferedResponse)>;
using Handler = std::function<void(http::BufferedRequest, Reply)>;

// Who may use the admin listeners: asked with a request that has no body yet, which is not read
// when there is an answer. Any worker's thread.
using Gate = std::function<std::optional<http::BufferedResponse>(const http::BufferedRequest&)>;

// The `headers` directive: what is added to answers to clients.
struct ResponseHeaders {
  bool server = true;
  bool via = true;
  bool proxy_latency = true;
  bool upstream_latency = true;
  bool response_latency = true;
  bool admin_latency = true;
  bool upstream_status = false;
  bool request_id = true;

  // The items of the directive, any case: server_tokens, latency_tokens, off, or a header's name.
  static ResponseHeaders parse(std::span<const std::string> items);
};

struct Options {
  std::vector<ListenerOptions> listeners;
  int workers = 1;
  net::BackendChoice io_backend = net::BackendChoice::automatic;

  http::Limits limits;
  uint64_t max_body = 0;                // client_max_body_size of the proxy, bytes; 0: no limit
  uint64_t admin_max_body = 10u << 20;  // nginx_admin_client_max_body_size, bytes

  // Of the client's side; a service's own timeouts rule the upstream's.
  Milliseconds header_timeout{60'000};     // from a request's first byte to the end of its head
  Milliseconds body_timeout{60'000};       // between two reads of a request body
  Milliseconds send_timeout{60'000};       // between two writes to the client
  Milliseconds keepalive_timeout{75'000};  // idle between requests
  uint32_t keepalive_requests = 10'000;    // then Connection: close; 0: no limit
  uint32_t http2_max_concurrent_streams = 128;
  uint32_t http2_body_preread_size = 65'536;  // what a stream may send ahead of its reader, bytes
  Milliseconds linger_timeout{5'000};         // reading on after a final error, at most this long

  uint32_t upstream_keepalive_pool_size = 512;           // idle connections per address and worker
  uint32_t upstream_keepalive_max_requests = 10'000;     // 0: no limit
  Milliseconds upstream_keepalive_idle_timeout{60'000};  // 0: never closed for idling

  // Until a new or healed target has its whole share; 0: at once.
  Milliseconds upstream_slow_start{0};

  ResponseHeaders headers;
  bool upstream_request_id = true;       // headers_upstream has X-Kong-Request-Id
  std::vector<std::string> trusted_ips;  // addresses and CIDRs; "unix:" for unix listeners
  std::string real_ip_header = "X-Real-IP";
  bool real_ip_recursive = false;
  bool allow_debug_header = false;
  std::string error_default_type = "text/plain";
  std::map<http::BodyFormat, ErrorTemplate> error_templates;  // in place of our own bodies

  std::string dns_hostsfile = "/etc/hosts";
  std::vector<std::string> dns_servers;  // "ip" or "ip:port"; empty: resolv.conf
  std::vector<net::RecordType> dns_order = {net::RecordType::last, net::RecordType::srv,
                                            net::RecordType::a};
  Milliseconds dns_valid_ttl{0};  // in place of what answers say; 0: none
  Milliseconds dns_stale_ttl{3'600'000};
  Milliseconds dns_not_found_ttl{30'000};
  Milliseconds dns_error_ttl{1'000};
  size_t dns_cache_size = 10'000;

  // PEM: whom upstreams' certificates must come from where they are verified and the service names
  // no authorities of its own (lua_ssl_trusted_certificate); "": those that the system trusts.
  std::string trusted_authorities;
  int upstream_verify_depth = 1;  // intermediates, where the service says nothing
  std::string upstream_tls_protocols = "TLSv1.2 TLSv1.3";
  Certificate client_certificate;  // shown to upstreams that want one; empty: none

  net::TlsPolicy tls_policy;  // of the `ssl` listeners

  std::string access_log;         // a path; empty: off
  std::string stream_access_log;  // of stream listeners; may be the same
  // port_maps: the port that clients know, by the one that is listened on.
  std::map<uint16_t, uint16_t> port_maps;

  // The process whose place this one takes still listens.
  bool take_over = false;

  // The health of targets, which outlives a reload; null: one is made.
  std::shared_ptr<balancer::HealthBoard> health;

  Handler admin;    // needed when a listener has Role::admin
  Gate admin_gate;  // null: everybody
  Handler status;   // needed when a listener has Role::status
  Certificates proxy_certificates;
  Certificates admin_certificates;
  Certificates status_certificates;
  // PEM: whose certificates the clients of admin listeners with `ssl` must show; "": anybody's or
  // none.
  std::string admin_client_authorities;
};

}  // namespace sallyport::proxy
