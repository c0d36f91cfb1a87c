#include "proxy/pipeline.h"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <sys/socket.h>

#include "base/memory_reserve.h"
#include "base/text.h"
#include "http/authority.h"
#include "http/h1_writer.h"
#include "http/headers.h"
#include "http/uri.h"
#include "proxy/answer.h"
#include "proxy/buffered_call.h"
#include "proxy/forward.h"
#include "proxy/grpc.h"
#include "proxy/plugin_run.h"
#include "proxy/request_body.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

using http::HeaderId;

constexpr std::string_view kJson = "application/json; charset=utf-8";

// A reason not to go on.
struct Refusal {
  int status = 0;  // 0: none
  std::string_view message = "";
  ErrorSource source = ErrorSource::handler;
  bool close = false;
};

void learn_client(const Session& session, Exchange& exchange) {
  exchange.client_ip = session.peer_ip();
  if (!session.peer_trusted()) return;
  const RealIp& real_ip = session.worker().real_ip();
  const auto ip =
      real_ip.by_proxy_protocol() ? session.peer().source : real_ip.from_header(exchange.request);
  if (ip) {
    exchange.real_ip = ip->text();
    exchange.client_ip = exchange.real_ip;
  }
}

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

// nginx's $host: lower case, without port. The port, 0 when there is none.
uint16_t learn_host(Exchange& exchange) {
  const auto authority = http::split_authority(exchange.request.host);
  std::string_view host = authority ? authority->host : exchange.request.host;
  if (std::ranges::any_of(host, is_upper)) {
    exchange.lower_host.assign(host);
    std::ranges::transform(exchange.lower_host, exchange.lower_host.begin(),
                           [](char c) { return text::lower(c); });
    host = exchange.lower_host;
  }
  exchange.host = host;
  return authority ? authority->port : 0;
}

bool learn_path(Session& session, Exchange& exchange) {
  const http::RequestHead& request = exchange.request;
  exchange.target_parts = http::split_target(request.method, request.target);
  const std::string_view raw = exchange.target_parts.path;
  constexpr auto kClimbing = http::Climbing::refused;
  auto normal = http::normalize_path(raw, {}, kClimbing);
  if (normal) {
    exchange.path = exchange.decoded_path = *normal;
    return true;
  }
  // For both spellings.
  const size_t room = http::normalized_room(raw.size());
  exchange.path_room = session.worker().loop().blocks().take(room + raw.size());
  const std::span<char> memory(exchange.path_room->bytes(), exchange.path_room->capacity);
  normal = http::normalize_path(raw, memory.first(room), kClimbing);
  if (!normal) return false;
  exchange.path = *normal;
  exchange.decoded_path = http::decode_path(*normal, memory.subspan(room));
  return true;
}

Refusal check_request(Session& session, Exchange& exchange) {
  const http::RequestHead& request = exchange.request;
  if (request.method == http::Method::connect || request.method == http::Method::trace) {
    return {.status = 405, .close = request.method == http::Method::connect};
  }
  if (memory::is_short() && session.listener().role == Role::proxy) {
    return {.status = 503, .close = true};
  }
  const uint64_t most = session.worker().options().max_body;
  if (most != 0 && request.content_length > most) return {.status = 413};
  if (!learn_path(session, exchange)) return {.status = 400};
  return {};
}

void learn_debug(Session& session, Exchange& exchange) {
  const http::Header* header = exchange.request.find(HeaderId::kong_debug);
  if (header == nullptr || header->value != "1") return;
  if (!session.worker().options().allow_debug_header) return;
  exchange.show_debug = true;
  const model::Route& route = *exchange.route->route;
  exchange.debug = {.route_id = route.id, .route_name = route.name};
  if (exchange.route->target != nullptr) {
    exchange.debug.service_id = exchange.route->target->service->id;
    exchange.debug.service_name = exchange.route->target->service->name;
  }
}

// Both ends of the connection, for the expressions that ask.
class Endpoints {
 public:
  Endpoints(const Session& session, const Exchange& exchange, router::MatchInput& input) {
    const net::SocketAddress peer = address(session.stream().fd(), ::getpeername);
    const net::SocketAddress local = address(session.stream().fd(), ::getsockname);
    input.source = {.ip = exchange.client_ip, .port = peer.port()};
    if (const auto ip = local.ip()) local_ip_ = ip->text();
    input.destination = {.ip = local_ip_, .port = local.port()};
  }

 private:
  static net::SocketAddress address(int fd, int (*which)(int, sockaddr*, socklen_t*)) {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    which(fd, reinterpret_cast<sockaddr*>(&storage), &size);
    return net::SocketAddress::from(reinterpret_cast<sockaddr*>(&storage), size);
  }

  std::string local_ip_;
};

bool find_route(Session& session, Exchange& exchange, uint16_t port) {
  exchange.snapshot = session.worker().targets().pin();
  if (!exchange.snapshot) return false;
  const bool tls = session.listener().tls != nullptr;
  const http::RequestHead& request = exchange.request;
  router::MatchInput input{.method = request.method_text,
                           .host = exchange.host,
                           .port = port != 0 ? port : static_cast<uint16_t>(tls ? 443 : 80),
                           .path = exchange.decoded_path,
                           .headers = request.fields(),
                           .sni = session.sni(),
                           .protocol = tls ? model::Protocol::https : model::Protocol::http,
                           .query = exchange.target_parts.query};
  const router::Router& router = exchange.snapshot->snapshot->router;
  std::optional<Endpoints> endpoints;
  if (router.asks_endpoints()) endpoints.emplace(session, exchange, input);
  if (!router.match(input, exchange.match)) return false;
  exchange.route = &exchange.snapshot->snapshot->routes[exchange.match.route];
  return true;
}

bool came_by_https(const Session& session, const Exchange& exchange) {
  if (session.listener().tls != nullptr) return true;
  if (!session.peer_trusted()) return false;
  const http::Header* proto = exchange.request.find(HeaderId::x_forwarded_proto);
  return proto != nullptr && text::equals_ignore_case(proto->value, "https");
}

bool for_grpc_only(const model::Route& route) {
  return std::ranges::all_of(route.protocols, [](model::Protocol protocol) {
    return protocol == model::Protocol::grpc || protocol == model::Protocol::grpcs;
  });
}

// A route for gRPC only, asked for otherwise. True when it may go on.
Task<bool> check_grpc(Session& session, Exchange& exchange, bool& keep) {
  if (!exchange.request.http2 && has_grpc_type(exchange.request)) {
    keep = co_await answer(session, exchange,
                           {.status = 426,
                            .content_type = kJson,
                            .body = R"({"message":"Please use HTTP2 protocol"})",
                            .extra_fields = "Connection: Upgrade\r\nUpgrade: HTTP/2\r\n"});
    co_return false;
  }
  if (!is_grpc(exchange.request)) {
    keep = co_await answer(session, exchange,
                           {.status = 415,
                            .content_type = kJson,
                            .body = R"({"message":"Non-gRPC request matched gRPC route"})"});
    co_return false;
  }
  if (exchange.match.https_only && !came_by_https(session, exchange)) {
    constexpr int kCancelled = 1;
    keep = co_await answer(
        session, exchange,
        {.status = 426, .body = "gRPC request matched gRPCs route", .grpc_status = kCancelled});
    co_return false;
  }
  co_return true;
}

// As clients know us: what a trusted peer says, else the request's own.
std::string_view forwarded_host(const Session& session, const Exchange& exchange) {
  const http::Header* theirs =
      session.peer_trusted() ? exchange.request.find(HeaderId::x_forwarded_host) : nullptr;
  return theirs != nullptr && !theirs->value.empty() ? theirs->value : exchange.host;
}

// A route for https only, asked for in plain text.
Task<bool> answer_https_required(Session& session, Exchange& exchange, int status) {
  if (status == 426) {
    co_return co_await answer(session, exchange,
                              {.status = 426,
                               .content_type = kJson,
                               .body = R"({"message":"Please use HTTPS protocol"})",
                               .extra_fields = "Connection: Upgrade\r\n"
                                               "Upgrade: TLS/1.2, HTTP/1.1\r\n"});
  }
  const auto& target = exchange.target_parts;
  const std::string location =
      fmt::format("Location: https://{}{}{}{}\r\n", forwarded_host(session, exchange), target.path,
                  target.has_query ? "?" : "", target.query);
  co_return co_await answer(session, exchange, {.status = status, .extra_fields = location});
}

// Calls are streams, to which an upstream may answer before they end.
bool gathers_body(const Exchange& exchange) {
  const http::RequestHead& request = exchange.request;
  return exchange.body_pending && exchange.route->route->request_buffering && !is_grpc(request) &&
         (request.framing == http::BodyFraming::chunked || request.content_length <= kMostGathered);
}

Task<bool> serve_proxy(Session& session, Exchange& exchange) {
  const uint16_t port = learn_host(exchange);
  if (!find_route(session, exchange, port)) {
    co_return co_await answer_error(session, exchange, 404, "no Route matched with those values",
                                    ErrorSource::gateway);
  }
  learn_debug(session, exchange);
  if (for_grpc_only(*exchange.route->route)) {
    bool keep = false;
    if (!co_await check_grpc(session, exchange, keep)) co_return keep;
  } else if (exchange.match.https_only && !came_by_https(session, exchange)) {
    co_return co_await answer_https_required(session, exchange,
                                             exchange.route->route->https_redirect_status_code);
  }
  if (const plugin::Chain* chain = exchange.route->chain.get()) {
    exchange.plugins = std::make_unique<PluginRun>(session, exchange, *chain);
    bool keep = false;
    if (!co_await exchange.plugins->access(keep)) co_return keep;
  }
  if (exchange.route->target == nullptr) {
    co_return co_await answer_error(session, exchange, 503, "no Service found with those values",
                                    ErrorSource::gateway);
  }
  if (gathers_body(exchange)) {
    const BodyOutcome outcome = co_await gather_body(session, exchange);
    if (outcome != BodyOutcome::complete) {
      co_return co_await answer_bad_body(session, exchange, outcome, ErrorSource::handler);
    }
  }
  exchange.target = &session.worker().targets().of_route(*exchange.route);
  Forward forward(session, exchange);
  co_return co_await forward.run();
}

}  // namespace

Task<bool> serve(Session& session, Exchange& exchange) {
  session.worker().new_request_id(exchange.request_id);
  learn_client(session, exchange);
  const Refusal refusal = check_request(session, exchange);
  if (refusal.status != 0) {
    co_return co_await answer_error(session, exchange, refusal.status, refusal.message,
                                    refusal.source, refusal.close);
  }
  if (session.listener().role != Role::proxy) {
    co_return co_await serve_buffered(session, exchange);
  }
  co_return co_await serve_proxy(session, exchange);
}

}  // namespace sallyport::proxy
