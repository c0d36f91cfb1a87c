#include "proxy/health_probe.h"

#include <cerrno>
#include <memory>

#include "balancer/target_name.h"
#include "base/version.h"
#include "http/h1_reader.h"
#include "net/address.h"
#include "proxy/grpc_probe.h"

namespace sallyport::proxy {
namespace {

using balancer::Outcome;
using MaybeOutcome = std::optional<Outcome>;

constexpr uint32_t kLargestHead = 64 * 1024;

bool speaks_grpc(model::CheckType type) {
  return type == model::CheckType::grpc || type == model::CheckType::grpcs;
}

std::string authority_of(const Probe& probe) {
  const balancer::PeerAddress& at = probe.peer->at;
  return probe.host_header.empty() ? balancer::address_text(at.host, at.port) : probe.host_header;
}

std::string own_fields(const Probe& probe) {
  std::string out;
  for (const auto& [name, values] : probe.checks.headers) {
    for (const std::string& value : values) out += name + ": " + value + "\r\n";
  }
  return out;
}

// The status of the answer to what was sent; or how the wait for it ended.
struct Answer {
  int status = 0;
  Outcome failure = Outcome::tcp_failure;
};

// What the gateway is short of says nothing about a target.
bool our_own(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

Task<Answer> read_status(net::Stream& stream, net::Loop& loop, uint64_t deadline) {
  auto head = std::make_unique<http::ResponseHead>();
  net::BlockPtr bytes;
  uint32_t scanned = 0;
  for (;;) {
    const uint64_t now = loop.now();
    if (now >= deadline) co_return Answer{.failure = Outcome::timeout};
    net::Received more = co_await stream.receive(static_cast<uint32_t>(deadline - now));
    if (more.status == net::IoStatus::timed_out) co_return Answer{.failure = Outcome::timeout};
    if (more.status != net::IoStatus::ok) co_return Answer{};
    if (bytes == nullptr) {
      bytes = std::move(more.block);
    } else {
      append_block(bytes, *more.block, loop.blocks());
    }
    http::ParseFault fault;
    const auto status = http::read_response(bytes->view(), http::Limits{}, http::Method::get,
                                            scanned, *head, fault);
    if (status == http::ParseStatus::complete) co_return Answer{.status = head->status};
    if (status == http::ParseStatus::error || bytes->size() > kLargestHead) {
      co_return Answer{.failure = Outcome::http_failure};
    }
  }
}

}  // namespace

std::string probe_request(const Probe& probe) {
  std::string out = "GET " + probe.checks.http_path + " HTTP/1.1\r\nHost: " + authority_of(probe);
  out += "\r\nConnection: close\r\nUser-Agent: sallyport/" SALLYPORT_VERSION " (health check)\r\n";
  return out + own_fields(probe) + "\r\n";
}

Task<std::optional<Outcome>> run_probe(Probe probe) {
  const auto ip = net::IpAddress::parse(probe.peer->at.ip);
  if (!ip) co_return std::nullopt;
  const uint32_t timeout = std::max<uint32_t>(probe.checks.timeout_ms, 1);
  const uint64_t deadline = probe.loop.now() + timeout;
  const auto address = net::SocketAddress::from(*ip, probe.peer->at.port);
  net::Connected connected = co_await probe.loop.connect(address, timeout);
  if (connected.error == ECANCELED || our_own(connected.error)) co_return std::nullopt;
  if (connected.error != 0) {
    co_return connected.error == ETIMEDOUT ? Outcome::timeout : Outcome::tcp_failure;
  }
  if (probe.checks.type == model::CheckType::tcp) co_return Outcome::success;
  const bool grpc = speaks_grpc(probe.checks.type);
  net::Stream& stream = *connected.stream;
  if (probe.tls != nullptr) {
    const std::string& sni = probe.checks.https_sni;
    if (!stream.connect_tls(*probe.tls, {.server_name = sni.empty() ? probe.peer->at.host : sni,
                                         .verify = probe.checks.verify_certificate,
                                         .verify_depth = probe.verify_depth,
                                         .identity = probe.identity.get(),
                                         .http2 = grpc})) {
      co_return std::nullopt;
    }
  }
  if (grpc) {
    const MaybeOutcome outcome = co_await ask_grpc_health({.loop = probe.loop,
                                                           .stream = std::move(connected.stream),
                                                           .tls = probe.tls != nullptr,
                                                           .authority = authority_of(probe),
                                                           .fields = own_fields(probe),
                                                           .deadline = deadline});
    co_return outcome;
  }
  const std::string request = probe_request(probe);
  net::BlockPtr block = probe.loop.blocks().take(request.size());
  block->append(request);
  stream.queue(std::move(block));
  stream.flush();
  const Answer answer = co_await read_status(stream, probe.loop, deadline);
  if (stream.error() == ECANCELED) co_return std::nullopt;
  if (answer.status == 0) co_return answer.failure;
  co_return balancer::judge(answer.status, probe.checks.healthy_statuses,
                            probe.checks.unhealthy_statuses);
}

}  // namespace sallyport::proxy
