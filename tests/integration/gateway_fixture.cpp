// The data plane alone, for the integration tests and for profiling: reads one JSON file with
// services, routes, upstreams and so on (as a client of the Admin API would write them) and
// options, serves, and obeys commands from standard input, one a line; every answer is one line of
// JSON.
//
//   ports               {"proxy":[8000],"admin":[],"backend":"epoll"}
//   load FILE           takes the entities of another file
//   health ID           an upstream's health, by target and address
//   mark ID TARGET HOW  HOW is healthy or unhealthy
//   counters            {"accepted":…, …, "rss_kib":…}
//   short SLICES        gives up that much of the reserve of memory, as if there were no other
//   drain MS            {"drained":true}, and ends
//   (end of input)      stops and ends
//
// "router_flavor" beside the entities says how routes are matched.
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory_reserve.h"
#include "model/change.h"
#include "model/complete.h"
#include "model/route_language.h"
#include "model/schemas.h"
#include "plugins/all.h"
#include "proxy/gateway.h"
#include "router/expression.h"
#include "runtime/builder.h"
#include "runtime/publisher.h"

using namespace sallyport;

namespace {

struct Rows {
  explicit Rows(router::Flavor flavor) : builder(plugins::all(), flavor) {}

  runtime::Builder builder;
  runtime::Publisher publisher;

  void load(const Json& file) {
    model::ChangeBatch batch;
    batch.complete = true;
    double now = 1;
    for (const model::EntitySchema* entity : runtime::Builder::entities()) {
      const std::string& name = entity->name;
      for (const Json& given : file.value(name, Json::array())) {
        const Json row = model::complete(*entity, given, now++);
        batch.changes.push_back({entity, row.at("id").get<std::string>(), to_text(row)});
      }
    }
    builder.apply(batch);
    publisher.publish(builder.build());
    for (const Error& fault : builder.faults()) log::error("{}", fault.text());
  }
};

Json read_json(const std::string& path) {
  auto text = read_file(path);
  Json json = text ? parse_json(*text) : Json();
  if (!json.is_object()) {
    std::cerr << path << " is no JSON object\n";
    std::exit(2);
  }
  return json;
}

std::vector<std::string> texts(const Json& options, const char* key) {
  return options.value(key, std::vector<std::string>());
}

balancer::HealthBoard& board() {
  static const auto the_board = std::make_shared<balancer::HealthBoard>();
  return *the_board;
}

// Answers with what it was asked, from another thread as the real handlers do.
void echo(http::BufferedRequest request, proxy::Reply reply) {
  if (request.target == "/silent") return;  // the reply is dropped
  std::thread([request = std::move(request), reply = std::move(reply)] {
    if (request.target == "/slow") std::this_thread::sleep_for(std::chrono::milliseconds(300));
    http::BufferedResponse response;
    response.headers = {{"Content-Type", "application/json"}, {"X-Method", request.method}};
    response.body = to_text(Json{{"target", request.target},
                                 {"client_ip", request.client_ip},
                                 {"size", request.body.size()},
                                 {"body", request.body.substr(0, 1000)}});
    reply(std::move(response));
  }).detach();
}

void take_listeners(proxy::Options& out, const Json& given) {
  for (const Json& item : given.value("listeners", Json::array({Json::object()}))) {
    proxy::ListenerOptions& listener = out.listeners.emplace_back();
    const std::string role = item.value("role", "proxy");
    listener.role = role == "proxy"    ? proxy::Role::proxy
                    : role == "admin"  ? proxy::Role::admin
                    : role == "stream" ? proxy::Role::stream
                                       : proxy::Role::status;
    listener.udp = item.value("udp", false);
    listener.address = item.value("address", "127.0.0.1");
    listener.port = item.value("port", uint16_t{0});
    listener.ssl = item.value("ssl", false);
    listener.http2 = item.value("http2", false);
    listener.proxy_protocol = item.value("proxy_protocol", false);
    listener.backlog = item.value("backlog", 4096);
  }
}

void take_timeouts(proxy::Options& out, const Json& given) {
  auto ms = [&given](const char* key, Milliseconds fallback) {
    return Milliseconds(given.value(key, fallback.count()));
  };
  out.header_timeout = ms("header_timeout", out.header_timeout);
  out.body_timeout = ms("body_timeout", out.body_timeout);
  out.send_timeout = ms("send_timeout", out.send_timeout);
  out.keepalive_timeout = ms("keepalive_timeout", out.keepalive_timeout);
  out.linger_timeout = ms("linger_timeout", out.linger_timeout);
  out.upstream_slow_start = ms("upstream_slow_start", out.upstream_slow_start);
  out.upstream_keepalive_idle_timeout =
      ms("upstream_keepalive_idle_timeout", out.upstream_keepalive_idle_timeout);
}

proxy::Certificate pair_of(const Json& given, const std::string& name) {
  return {given.value(name, ""), Secret(given.value(name + "_key", ""))};
}

void take_tls(proxy::Options& out, const Json& given) {
  out.trusted_authorities = given.value("trusted_authorities", "");
  out.upstream_verify_depth = given.value("upstream_verify_depth", out.upstream_verify_depth);
  out.client_certificate = pair_of(given, "client_certificate");
  for (const char* name : {"certificate", "certificate_alt"}) {
    if (given.contains(name)) out.proxy_certificates.push_back(pair_of(given, name));
  }
  out.admin_certificates = out.status_certificates = out.proxy_certificates;
  net::TlsPolicy& policy = out.tls_policy;
  policy.protocols = given.value("ssl_protocols", policy.protocols);
  policy.ciphers = given.value("ssl_ciphers", policy.ciphers);
  policy.dh_parameters = given.value("ssl_dhparam", policy.dh_parameters);
  policy.prefer_server_ciphers =
      given.value("ssl_prefer_server_ciphers", policy.prefer_server_ciphers);
  policy.tickets = given.value("ssl_session_tickets", policy.tickets);
  policy.session_timeout_s = given.value("ssl_session_timeout", policy.session_timeout_s);
  policy.session_cache_bytes = given.value("ssl_session_cache_size", policy.session_cache_bytes);
  policy = net::named_policy(given.value("ssl_cipher_suite", "custom"), policy);
}

proxy::Options options_of(const Json& given) {
  proxy::Options out;
  take_listeners(out, given);
  take_timeouts(out, given);
  out.workers = given.value("workers", 1);
  const std::string backend = given.value("backend", "auto");
  out.io_backend = backend == "epoll"      ? net::BackendChoice::epoll
                   : backend == "io_uring" ? net::BackendChoice::io_uring
                                           : net::BackendChoice::automatic;
  out.limits.max_headers = given.value("max_headers", out.limits.max_headers);
  out.max_body = given.value("max_body", out.max_body);
  out.admin_max_body = given.value("admin_max_body", out.admin_max_body);
  out.http2_max_concurrent_streams =
      given.value("http2_max_concurrent_streams", out.http2_max_concurrent_streams);
  out.keepalive_requests = given.value("keepalive_requests", out.keepalive_requests);
  out.upstream_keepalive_pool_size =
      given.value("upstream_keepalive_pool_size", out.upstream_keepalive_pool_size);
  out.upstream_keepalive_max_requests =
      given.value("upstream_keepalive_max_requests", out.upstream_keepalive_max_requests);
  if (given.contains("headers"))
    out.headers = proxy::ResponseHeaders::parse(texts(given, "headers"));
  out.upstream_request_id = given.value("upstream_request_id", true);
  out.trusted_ips = texts(given, "trusted_ips");
  out.real_ip_header = given.value("real_ip_header", out.real_ip_header);
  out.real_ip_recursive = given.value("real_ip_recursive", false);
  out.allow_debug_header = given.value("allow_debug_header", false);
  out.error_default_type = given.value("error_default_type", out.error_default_type);
  out.dns_hostsfile = given.value("dns_hostsfile", out.dns_hostsfile);
  out.dns_servers = texts(given, "dns_servers");
  out.dns_stale_ttl = Milliseconds(given.value("dns_stale_ttl", int64_t{3'600'000}));
  out.dns_not_found_ttl = Milliseconds(given.value("dns_not_found_ttl", int64_t{30'000}));
  for (const auto& [name, format] : {std::pair{"error_template_html", http::BodyFormat::html},
                                     std::pair{"error_template_plain", http::BodyFormat::text}}) {
    if (!given.contains(name)) continue;
    auto parsed = proxy::ErrorTemplate::parse(given[name].get<std::string>());
    if (parsed) out.error_templates.emplace(format, std::move(*parsed));
  }
  out.access_log = given.value("access_log", "");
  out.stream_access_log = given.value("stream_access_log", "");
  for (const auto& [inside, outside] : given.value("port_maps", Json::object()).items()) {
    out.port_maps[static_cast<uint16_t>(std::stoi(inside))] = outside.get<uint16_t>();
  }
  take_tls(out, given);
  out.admin = out.status = echo;
  out.health = {std::shared_ptr<void>(), &board()};
  return out;
}

int64_t rss_kib() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Rss:")) return std::stoll(line.substr(4));
  }
  return 0;
}

Json counters(const proxy::Gateway& gateway) {
  const proxy::Counters now = gateway.counters();
  return {{"accepted", now.connections_accepted}, {"handled", now.connections_handled},
          {"active", now.connections_active},     {"reading", now.connections_reading},
          {"writing", now.connections_writing},   {"waiting", now.connections_waiting},
          {"requests", now.total_requests},       {"stream_connections", now.stream_connections},
          {"stream_active", now.stream_active},   {"stream_received", now.stream_received},
          {"stream_sent", now.stream_sent},       {"udp_sessions", now.udp_sessions},
          {"udp_active", now.udp_active},         {"rss_kib", rss_kib()}};
}

Json ports(const proxy::Gateway& gateway) {
  Json out = {{"proxy", Json::array()},
              {"admin", Json::array()},
              {"status", Json::array()},
              {"stream", Json::array()},
              {"backend", std::string(gateway.backend())}};
  for (const proxy::BoundListener& listener : gateway.listeners()) {
    const char* role = listener.role == proxy::Role::proxy    ? "proxy"
                       : listener.role == proxy::Role::admin  ? "admin"
                       : listener.role == proxy::Role::stream ? "stream"
                                                              : "status";
    out[role].push_back(listener.port);
  }
  return out;
}

Json health(const std::string& id) {
  const auto read = board().read(id);
  Json out = Json::object();
  if (!read) return out;
  out["health"] = model::name(read->health);
  for (const model::TargetHealth& target : read->targets) {
    Json& addresses = out["targets"][target.target];
    addresses["health"] = model::name(target.health);
    for (const model::AddressHealth& address : target.addresses) {
      addresses[address.ip] = model::name(address.health);
    }
  }
  return out;
}

bool obey(const std::string& line, proxy::Gateway& gateway, Rows& rows) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  Json answer = {{"ok", true}};
  bool more = true;
  if (command == "ports") {
    answer = ports(gateway);
  } else if (command == "counters") {
    answer = counters(gateway);
  } else if (command == "load") {
    std::string path;
    words >> path;
    rows.load(read_json(path));
    const uint64_t wanted = rows.publisher.current()->version;
    while (gateway.snapshot_version() < wanted) std::this_thread::yield();
  } else if (command == "health") {
    std::string id;
    words >> id;
    answer = health(id);
  } else if (command == "mark") {
    std::string id, target, how;
    words >> id >> target >> how;
    answer = {{"marked", board().mark(id, target, "", how == "healthy")}};
  } else if (command == "short") {
    int slices = 0;
    words >> slices;
    while (slices-- > 0) memory::give_up_slice();
  } else if (command == "drain") {
    int64_t within = 0;
    words >> within;
    answer = {{"drained", gateway.drain(Milliseconds(within))}};
    more = false;
  }
  std::cout << to_text(answer) << std::endl;
  return more;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: gateway_fixture FILE.json\n";
    return 2;
  }
  memory::set_aside_reserve();
  const Json file = read_json(argv[1]);
  const auto flavor = router::flavor_of(file.value("router_flavor", "traditional_compatible"));
  if (flavor == router::Flavor::expressions) {
    model::let_routes_have_expressions(router::route_expression_fault);
  }
  Rows rows(flavor);
  rows.load(file);
  auto gateway =
      proxy::Gateway::start(options_of(file.value("options", Json::object())), rows.publisher);
  if (!gateway) {
    std::cerr << gateway.error().text() << "\n";
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    if (!obey(line, **gateway, rows)) return 0;
  }
  (*gateway)->stop();
  return 0;
}
