#include "proxy/stream_dial.h"

#include <cerrno>
#include <cstring>

#include "base/errno_text.h"
#include "base/log.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

AttemptFault fault_of(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return AttemptFault::no_descriptors;
    case ETIMEDOUT:
    case ETIME:  // of TLS
      return AttemptFault::connect_timeout;
    default:
      return AttemptFault::connect;
  }
}

// A connection has an address to hash on, and nothing else that `hash_on` could mean.
std::optional<uint64_t> hash_value(const model::Upstream& upstream, std::string_view client_ip) {
  const bool by_ip =
      upstream.hash_on == model::HashInput::ip || upstream.hash_fallback == model::HashInput::ip;
  if (upstream.algorithm != model::Algorithm::consistent_hashing || !by_ip) return std::nullopt;
  return balancer::hash_of(client_ip);
}

}  // namespace

StreamDial::StreamDial(Worker& worker, Target& target, std::string_view client_ip)
    : worker_(worker), target_(target), client_ip_(client_ip) {}

void StreamDial::release() {
  if (route_ == nullptr) return;
  --route_->peer->active;
  route_.reset();
}

Task<AddressPool*> StreamDial::next() {
  release();
  if (BalancedUpstream* balanced = target_.balanced()) return next_peer(*balanced);
  return next_address();
}

Task<AddressPool*> StreamDial::next_peer(BalancedUpstream& balanced) {
  if (!balanced.ready()) co_await balanced.resolve();
  attempt_started_ = worker_.loop().now();
  const balancer::PeerPtr peer = balanced.pick({.hash = hash_value(balanced.upstream(), client_ip_),
                                                .tried = tried_,
                                                .now_ms = attempt_started_});
  if (peer == nullptr) {
    fault_ = AttemptFault::no_peer;
    co_return nullptr;
  }
  ++peer->active;
  route_ = target_.route_to(peer);
  co_return route_->pool.get();
}

Task<AddressPool*> StreamDial::next_address() {
  AddressPool* at = target_.pick(worker_.loop().now());
  if (at != nullptr) co_return at;
  const std::string failure = co_await target_.resolve(worker_.resolver());
  at = target_.pick(worker_.loop().now());
  if (at == nullptr) {
    log::error("service {}: cannot resolve '{}': {}", target_.log_name(), target_.service().host,
               failure);
    fault_ = AttemptFault::resolve;
  }
  co_return at;
}

void StreamDial::report(AttemptFault fault) {
  fault_ = fault;
  if (route_ == nullptr) return;
  BalancedUpstream& balanced = *target_.balanced();
  using balancer::Outcome;
  if (fault == AttemptFault::none) {
    balanced.report_success(*route_->peer);
  } else if (fault == AttemptFault::connect || fault == AttemptFault::connect_timeout) {
    const bool late = fault == AttemptFault::connect_timeout;
    balanced.report_failure(*route_->peer, late ? Outcome::timeout : Outcome::tcp_failure,
                            worker_.loop().now() - attempt_started_);
    tried_.push_back(route_->peer);
  }
}

Task<UpstreamConnectionPtr> StreamDial::connect() {
  for (int attempt = 0; attempt <= target_.service().retries; ++attempt) {
    AddressPool* at = co_await next();
    if (at == nullptr) co_return nullptr;
    auto connection = std::make_unique<UpstreamConnection>(*at);
    report(co_await try_one(*connection));
    if (fault_ == AttemptFault::none) co_return connection;
    if (worker_.stopping()) break;
    if (fault_ != AttemptFault::connect && fault_ != AttemptFault::connect_timeout) break;
  }
  co_return nullptr;
}

Task<AttemptFault> StreamDial::try_one(UpstreamConnection& out) {
  const model::Service& service = target_.service();
  const net::SocketAddress& address = out.pool.address();
  const auto timeout = static_cast<uint32_t>(service.connect_timeout_ms);
  net::Connected connected = co_await worker_.loop().connect(address, timeout);
  if (fault_of(connected.error) == AttemptFault::no_descriptors && worker_.pools().shed(16) > 0) {
    connected = co_await worker_.loop().connect(address, timeout);
  }
  if (connected.error != 0) {
    log::error("service {}: cannot connect to {}: {}", target_.log_name(),
               target_.log_address(out.pool, route_), errno_text(connected.error));
    co_return fault_of(connected.error);
  }
  out.stream = std::move(connected.stream);
  out.stream->set_send_timeout(static_cast<uint32_t>(service.write_timeout_ms));
  if (out.pool.tls() == nullptr) co_return AttemptFault::none;
  const int error = co_await secure(worker_, *out.stream, out.pool, service, timeout);
  co_return error == 0 ? AttemptFault::none : fault_of(error);
}

}  // namespace sallyport::proxy
