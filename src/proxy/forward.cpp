#include "proxy/forward.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "balancer/target_name.h"
#include "base/errno_text.h"
#include "base/log.h"
#include "base/text.h"
#include "http/h1_writer.h"
#include "http/headers.h"
#include "proxy/answer.h"
#include "proxy/grpc.h"
#include "proxy/hash_value.h"
#include "proxy/plugin_run.h"
#include "proxy/request_body.h"
#include "proxy/upstream_head.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

// Further than any timer needs to go.
constexpr uint64_t kLongestWaitMs = 1'000'000'000;

bool no_descriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// 102 and 103 are for a few: each begins read_timeout anew.
constexpr uint32_t kMostInterim = 1'000;

// How long an upstream may be silent once the client has ended its side: almost all such clients
// have gone altogether; one that still reads has asked for little and gets it soon.
constexpr uint32_t kHalfClosedMs = 1'000;

uint32_t shorter(uint32_t a_ms, uint32_t b_ms) {  // 0: for ever
  return a_ms == 0 || (b_ms != 0 && b_ms < a_ms) ? b_ms : a_ms;
}

}  // namespace

Forward::Forward(Session& session, Exchange& exchange) : session_(session), exchange_(exchange) {
  const http::RequestHead& request = exchange.request;
  const http::Header* upgrade = request.find(http::HeaderId::upgrade);
  websocket_ = request.upgrade && upgrade != nullptr && request.method == http::Method::get &&
               request.framing != http::BodyFraming::chunked && request.content_length == 0 &&
               text::equals_ignore_case(upgrade->value, "websocket");
  if (is_grpc(request)) {
    if (const auto timeout = grpc_timeout_ms(request)) {
      deadline_ = exchange.started + std::min(*timeout, kLongestWaitMs);
    }
  }
}

Forward::~Forward() {
  client().unwatch();
  release_peer();
}

Task<bool> Forward::run() {
  for (;;) {
    fault_ = AttemptFault::none;
    if (!take_pooled()) fault_ = co_await connect();
    if (fault_ == AttemptFault::none) {
      send_request();
      HeadStep step = HeadStep::need_more;
      while (step == HeadStep::need_more) {
        if (upload_fault_ != AttemptFault::none) {
          fault_ = upload_fault_;
          break;
        }
        net::Received received = co_await upstream().receive(patience(head_timeout()));
        if (received.status != net::IoStatus::ok) {
          fault_ = receive_fault(received.status);
          step = HeadStep::fault;
        } else {
          step = take_head_bytes(std::move(received.block));
        }
        if (client().unsent() > kHighWater &&
            co_await client().drained(kLowWater) != net::IoStatus::ok) {
          fault_ = AttemptFault::client;
          step = HeadStep::fault;
        }
      }
      client().unwatch();
      if (step == HeadStep::complete) co_return co_await respond();
    }
    if (upload_) co_await stop_upload();
    if (route_ != nullptr) report_fault();
    connection_.reset();
    received_.reset();
    if (!may_try_again()) co_return co_await give_up();
    rewind_body();
  }
}

uint32_t Forward::patience(uint32_t timeout_ms) {
  auto on_gone = [](void* self) { static_cast<Forward*>(self)->on_client_gone(); };
  client().watch_gone(on_gone, this);
  return client().gone() ? shorter(timeout_ms, kHalfClosedMs) : timeout_ms;
}

void Forward::on_client_gone() {
  if (client().error() != 0) {
    upstream().cancel_receive();
  } else {
    upstream().rearm_receive(kHalfClosedMs);
  }
}

AddressPool* Forward::pick_pool() {
  Target& target = *exchange_.target;
  if (BalancedUpstream* balanced = target.balanced()) return pick_peer(*balanced);
  return target.pick(session_.worker().loop().now());
}

AddressPool* Forward::pick_peer(BalancedUpstream& balanced) {
  release_peer();
  no_peer_ = false;
  if (!balanced.ready()) return nullptr;
  attempt_started_ = session_.worker().loop().now();
  if (!hashed_) {
    hash_ = hash_value(balanced.upstream(), exchange_);
    hashed_ = true;
  }
  const balancer::PeerPtr peer =
      balanced.pick({.hash = hash_, .tried = tried_, .now_ms = attempt_started_});
  no_peer_ = peer == nullptr;
  if (no_peer_) return nullptr;
  ++peer->active;
  route_ = exchange_.target->route_to(peer);
  return route_->pool.get();
}

void Forward::release_peer() {
  if (route_ == nullptr) return;
  --route_->peer->active;
  route_.reset();
}

// What a failed attempt tells about its target; the next one goes to another.
void Forward::report_fault() {
  using balancer::Outcome;
  BalancedUpstream& balanced = *exchange_.target->balanced();
  const balancer::PeerPtr& peer = route_->peer;
  const uint64_t took = session_.worker().loop().now() - attempt_started_;
  switch (fault_) {
    case AttemptFault::connect:
    case AttemptFault::untrusted:
    case AttemptFault::closed:
    case AttemptFault::bad_response:
      balanced.report_failure(*peer, Outcome::tcp_failure, took);
      break;
    case AttemptFault::connect_timeout:
    case AttemptFault::read_timeout:
    case AttemptFault::write_timeout:
      balanced.report_failure(*peer, Outcome::timeout, took);
      break;
    case AttemptFault::refused:
      break;  // it may be about to end, which is no failure
    default:
      return;
  }
  tried_.push_back(peer);
}

// Whom TLS asks for is whom the Host field names, where that is not the service's or target's own.
AddressPool* Forward::named_for_host(AddressPool& pool) {
  std::string_view name;
  if (!exchange_.new_host.empty()) {
    name = balancer::split_target(exchange_.new_host).host;
  } else if (exchange_.route->route->preserve_host) {
    name = exchange_.host;
  }
  if (name.empty() || name == pool.tls()->server_name) return &pool;
  return &session_.worker().pools().renamed(pool, name);
}

bool Forward::take_pooled() {
  AddressPool* pool = pick_pool();
  if (pool == nullptr) return false;
  renamed_ = false;
  if (pool->tls() != nullptr) {
    AddressPool* named = named_for_host(*pool);
    renamed_ = named != pool;
    pool = named;
  }
  if (!fresh_only_) connection_ = pool->take();
  reused_ = connection_ != nullptr;
  if (reused_) return true;
  connection_ = std::make_unique<UpstreamConnection>(*pool);
  return false;
}

// Learns the addresses and takes a connection to one: from the pool, or a new one to be opened.
Task<AttemptFault> Forward::resolve() {
  Target& target = *exchange_.target;
  if (BalancedUpstream* balanced = target.balanced()) {
    if (!no_peer_) {
      co_await balanced->resolve();
      take_pooled();
    }
    co_return connection_ != nullptr ? AttemptFault::none : AttemptFault::no_peer;
  }
  const std::string failure = co_await target.resolve(session_.worker().resolver());
  if (!failure.empty()) {
    log::error("service {}: cannot resolve '{}': {}", target.log_name(), target.service().host,
               failure);
    co_return AttemptFault::resolve;
  }
  take_pooled();
  co_return connection_ != nullptr ? AttemptFault::none : AttemptFault::resolve;
}

Task<AttemptFault> Forward::connect() {
  const model::Protocol protocol = exchange_.target->service().protocol;
  using enum model::Protocol;
  if (protocol != http && protocol != https && protocol != grpc && protocol != grpcs) {
    co_return AttemptFault::unsupported;
  }
  if (connection_ == nullptr) {
    if (const AttemptFault fault = co_await resolve(); fault != AttemptFault::none) {
      co_return fault;
    }
    if (reused_) co_return AttemptFault::none;
  }
  if (connection_->pool.http2()) co_return co_await connect_http2();
  net::Connected connected = co_await open_connection();
  if (connected.error != 0) co_return connect_fault(connected.error);
  connection_->stream = std::move(connected.stream);
  co_return AttemptFault::none;
}

// A new connection to the pool's address; TLS has begun on it where the pool wants that.
Task<net::Connected> Forward::open_connection() {
  Worker& worker = session_.worker();
  const AddressPool& pool = connection_->pool;
  const uint32_t timeout =
      within_deadline(static_cast<uint32_t>(exchange_.target->service().connect_timeout_ms));
  const uint64_t began = worker.loop().now();
  // So that nobody_waits() knows afterwards.
  client().watch_gone([](void*) {}, nullptr);
  net::Connected connected = co_await worker.loop().connect(pool.address(), timeout);
  if (no_descriptors(connected.error) && worker.pools().shed(16) > 0) {
    connected = co_await worker.loop().connect(pool.address(), timeout);
  }
  if (connected.error == 0 && pool.tls() != nullptr) {
    const uint64_t spent = worker.loop().now() - began;
    const uint32_t left = spent < timeout ? timeout - static_cast<uint32_t>(spent) : 1;
    connected.error = co_await secure(worker, *connected.stream, connection_->pool,
                                      exchange_.target->service(), left);
    if (connected.error != 0) connected.stream.reset();
  }
  client().unwatch();
  co_return connected;
}

// A stream of a connection that is there meanwhile, or of a new one, which serves all that wait.
Task<AttemptFault> Forward::connect_http2() {
  AddressPool& pool = connection_->pool;
  while (pool.opening()) {
    if (const int error = co_await pool.opened(); error != 0) co_return connect_fault(error);
    connection_->stream = pool.open_pipe();
    if (connection_->stream != nullptr) co_return AttemptFault::none;
  }
  pool.begin_opening();
  net::Connected connected = co_await open_connection();
  connection_->stream = pool.end_opening(std::move(connected.stream), connected.error);
  if (connection_->stream != nullptr) co_return AttemptFault::none;
  co_return connect_fault(connected.error != 0 ? connected.error : ENOMEM);
}

AttemptFault Forward::connect_fault(int error) const {
  // TLS has told already what is wrong.
  if (error == EKEYREJECTED && renamed_) return AttemptFault::misnamed;
  if (error == EKEYREJECTED || error == EKEYREVOKED) return AttemptFault::untrusted;
  if (error == EPROTO) return AttemptFault::connect;
  if (error == ETIME) return AttemptFault::connect_timeout;
  log::error("service {}: cannot connect to {}: {}", exchange_.target->log_name(),
             exchange_.target->log_address(connection_->pool, route_), errno_text(error));
  if (no_descriptors(error)) return AttemptFault::no_descriptors;
  return error == ETIMEDOUT ? AttemptFault::connect_timeout : AttemptFault::connect;
}

void Forward::send_request() {
  const model::Service& service = exchange_.target->service();
  ++connection_->requests;
  attempt_started_ = session_.worker().loop().now();
  if (exchange_.upstream_started == 0) {
    exchange_.upstream_started = session_.worker().loop().now();
  }
  upstream().set_send_timeout(static_cast<uint32_t>(service.write_timeout_ms));
  scanned_ = 0;
  net::BlockPtr block;
  write_head(block);
  std::string_view body = exchange_.body;
  body.remove_prefix(block->append(body));
  upstream().queue(std::move(block));
  if (!body.empty()) {
    BodyWriter rest(upstream(), false);
    rest.write(body);
    rest.finish();
  }
  upstream().flush();
  if (exchange_.body_pending) start_upload();
}

void Forward::write_head(net::BlockPtr& block) {
  const Worker& worker = session_.worker();
  const model::Route& route = *exchange_.route->route;
  const http::RequestHead& request = exchange_.request;
  const http::RequestTarget& target = exchange_.target_parts;
  const std::string_view matched = exchange_.matched_path();
  UpstreamHead head{.request = request,
                    .request_end = exchange_.head->bytes() + exchange_.head->begin + request.size};
  const auto join =
      exchange_.route->path_handling == model::PathHandling::v1 ? join_path_v1 : join_path;
  head.path =
      join(exchange_.target->service().path, exchange_.path, matched.size(), route.strip_path);
  if (target.has_query) head.query = {target.query.data() - 1, target.query.size() + 1};
  if (exchange_.plugins != nullptr) {
    head.query = exchange_.plugins->query();
    if (!exchange_.plugins->path().empty()) head.path = {exchange_.plugins->path(), "", ""};
  }
  head.websocket = websocket_;
  head.host = route.preserve_host ? request.host
              : route_ != nullptr ? std::string_view(route_->host_header)
                                  : exchange_.target->host_header();
  if (!exchange_.new_host.empty()) head.host = exchange_.new_host;
  head.peer_ip = session_.peer_ip();
  head.client_ip = exchange_.client_ip;
  head.peer_trusted = session_.peer_trusted();
  head.scheme = session_.listener().tls != nullptr ? "https" : "http";
  head.port = session_.listener().port_text;
  head.forwarded_host = exchange_.host;
  head.forwarded_path = target.path;
  if (route.strip_path && matched != "/") head.prefix = matched;
  if (worker.options().upstream_request_id) head.request_id = exchange_.id();

  block = session_.worker().loop().blocks().take(upstream_head_room(head));
  http::HeadWriter out({block->bytes(), block->capacity});
  write_upstream_head(out, head);
  block->end = static_cast<uint32_t>(out.size());
}

uint32_t Forward::head_timeout() const {
  // The upstream's time begins when it has the whole request.
  return uploading() ? within_deadline(0) : read_timeout();
}

uint32_t Forward::read_timeout() const {
  return within_deadline(static_cast<uint32_t>(exchange_.target->service().read_timeout_ms));
}

uint32_t Forward::within_deadline(uint32_t timeout_ms) const {
  if (deadline_ == 0) return timeout_ms;
  const uint64_t now = session_.worker().loop().now();
  const uint64_t left = std::min<uint64_t>(deadline_ > now ? deadline_ - now : 1, kLongestWaitMs);
  return timeout_ms == 0 ? static_cast<uint32_t>(left)
                         : std::min(timeout_ms, static_cast<uint32_t>(left));
}

AttemptFault Forward::receive_fault(net::IoStatus status) const {
  if (upload_fault_ != AttemptFault::none) return upload_fault_;
  if (status == net::IoStatus::cancelled) return AttemptFault::client;
  if (status == net::IoStatus::timed_out) {
    return client().gone() ? AttemptFault::client : AttemptFault::read_timeout;
  }
  log_tls_fault(exchange_.target->service(), upstream(), connection_->pool);
  if (connection_->pool.http2()) {
    if (upstream().error() == ECONNREFUSED) return AttemptFault::refused;
    if (upstream().error() == ENOTCONN) return AttemptFault::connect;
  }
  return reused_ && received_ == nullptr ? AttemptFault::stale : AttemptFault::closed;
}

Forward::HeadStep Forward::take_head_bytes(net::BlockPtr block) {
  if (received_ == nullptr) {
    received_ = std::move(block);
  } else {
    append_block(received_, *block, session_.worker().loop().blocks());
  }
  http::ParseFault fault;
  for (;;) {
    const http::ParseStatus status =
        http::read_response(received_->view(), session_.worker().options().limits,
                            exchange_.request.method, scanned_, exchange_.response, fault);
    if (status == http::ParseStatus::need_more) return HeadStep::need_more;
    const bool changes = status == http::ParseStatus::complete && exchange_.response.status == 101;
    if (changes && websocket_) return HeadStep::complete;
    if (status == http::ParseStatus::error || changes) {
      log::error("service {}: invalid response from {}: {}", exchange_.target->log_name(),
                 exchange_.target->log_address(connection_->pool, route_),
                 status == http::ParseStatus::error ? fault.reason : "101 without an upgrade");
      fault_ = AttemptFault::bad_response;
      return HeadStep::fault;
    }
    if (exchange_.response.status >= 200) return HeadStep::complete;
    if (++interim_ > kMostInterim) {
      log::error("service {}: {} does not come to its answer: {} interim ones",
                 exchange_.target->log_name(),
                 exchange_.target->log_address(connection_->pool, route_), interim_);
      fault_ = AttemptFault::bad_response;
      return HeadStep::fault;
    }
    pass_interim(exchange_.response.size);
    if (received_->size() == 0) return HeadStep::need_more;
  }
}

// 1xx other than 100, which the gateway has said itself, goes to clients that know it.
void Forward::pass_interim(uint32_t size) {
  if (exchange_.response.status != 100 && exchange_.request.minor_version > 0) {
    net::BlockPtr block = session_.worker().loop().blocks().take(size + 256);
    http::HeadWriter out({block->bytes(), block->capacity});
    write_interim_head(out, exchange_.response, received_->bytes() + received_->begin + size);
    block->end = static_cast<uint32_t>(out.size());
    client().queue(std::move(block));
    client().flush();
  }
  received_->begin += size;
  scanned_ = 0;
}

// The client's connection is broken, or has been half closed since the request began, or nearly.
bool Forward::nobody_waits() const {
  if (client().error() != 0) return true;
  return client().gone() && session_.worker().loop().now() >= exchange_.started + kHalfClosedMs;
}

bool Forward::may_try_again() {
  const http::RequestHead& request = exchange_.request;
  const bool retry =
      may_retry(fault_, idempotent(request.method, request.method_text), !body_touched_);
  if (!retry || session_.worker().stopping() || nobody_waits()) return false;
  // The same address again has the same certificate.
  if (fault_ == AttemptFault::untrusted && route_ == nullptr) return false;
  if (deadline_ != 0 && session_.worker().loop().now() >= deadline_) return false;
  // An idle connection that had gone stale was not the upstream's fault: not counted, once.
  if (fault_ == AttemptFault::stale && !fresh_only_) {
    fresh_only_ = true;
    return true;
  }
  return ++attempts_ <= static_cast<uint32_t>(exchange_.target->service().retries);
}

Task<bool> Forward::give_up() {
  const bool own = fault_ == AttemptFault::resolve || fault_ == AttemptFault::no_peer ||
                   fault_ == AttemptFault::plugins;
  // Without an upstream that was asked the latency is the gateway's own.
  if (exchange_.upstream_started == 0 && !own) {
    exchange_.upstream_started = session_.worker().loop().now();
  }
  if (nobody_waits() || (fault_ == AttemptFault::client && client().gone())) {
    exchange_.status = 499;  // nginx's code for the log: nobody is there to be answered
    co_return false;
  }
  if (fault_ == AttemptFault::too_large) {
    co_return co_await answer_bad_body(session_, exchange_, BodyOutcome::too_large,
                                       ErrorSource::handler);
  }
  co_return co_await answer_error(session_, exchange_, status_of(fault_), message_of(fault_),
                                  own ? ErrorSource::gateway : ErrorSource::handler, body_touched_);
}

}  // namespace sallyport::proxy
