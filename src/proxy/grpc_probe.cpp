#include "proxy/grpc_probe.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/version.h"
#include "http/h1_reader.h"
#include "http/headers.h"
#include "proxy/body.h"
#include "proxy/h2_upstream.h"

namespace sallyport::proxy {
namespace {

using balancer::Outcome;

constexpr uint32_t kMostBytes = 64 * 1024;
constexpr std::string_view kUnimplemented = "12";

// What a call needs of a pool. Lives as long as the connection.
struct OneCall final : H2UpstreamOwner {
  void on_retired(H2Upstream&) override {}
  void on_ended(H2Upstream&) override { delete this; }
};

net::StreamPtr open_call(net::StreamPtr stream, bool tls) {
  auto owner = std::make_unique<OneCall>();
  H2Upstream* connection = H2Upstream::start(*owner, {}, std::move(stream), tls);
  if (connection == nullptr) return nullptr;
  [[maybe_unused]] OneCall* its_own = owner.release();
  net::StreamPtr call = connection->open_pipe();
  connection->retire();  // ends with this call
  return call;
}

// A message without fields, in gRPC's frame: flags and length.
constexpr std::string_view kEmptyMessage{"\0\0\0\0\0", 5};

std::string request_text(const GrpcProbe& probe) {
  std::string out = "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: " + probe.authority;
  out += "\r\nContent-Type: application/grpc\r\nTE: trailers\r\n";
  out += "User-Agent: sallyport/" SALLYPORT_VERSION " (health check)\r\n" + probe.fields;
  out += "Content-Length: " + std::to_string(kEmptyMessage.size()) + "\r\n\r\n";
  return out.append(kEmptyMessage);
}

struct Answer {
  std::string status;  // gRPC's; "" for none
  std::string message;
};

// The next bytes, in `block`; false when there are none, and `failure` says why.
Task<bool> read_more(net::Stream& call, const GrpcProbe& probe, net::BlockPtr& block,
                     Outcome& failure) {
  const uint64_t now = probe.loop.now();
  failure = Outcome::timeout;
  if (now >= probe.deadline) co_return false;
  net::Received more = co_await call.receive(static_cast<uint32_t>(probe.deadline - now));
  if (more.status == net::IoStatus::timed_out) co_return false;
  failure = Outcome::tcp_failure;
  if (more.status != net::IoStatus::ok) co_return false;
  if (block == nullptr) {
    block = std::move(more.block);
  } else {
    append_block(block, *more.block, probe.loop.blocks());
  }
  co_return block->size() <= kMostBytes;
}

std::string grpc_status_in(std::string_view lines) {
  constexpr std::string_view kName = "grpc-status:";
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(std::min(lines.size(), line.size() + 2));
    if (line.starts_with(kName)) return std::string(http::trim_blanks(line.substr(kName.size())));
  }
  return {};
}

// The answer; nothing of it when `failure` is set.
Task<Answer> read_answer(net::Stream& call, const GrpcProbe& probe, Outcome& failure) {
  auto head = std::make_unique<http::ResponseHead>();
  Answer answer;
  net::BlockPtr block;
  uint32_t scanned = 0;
  http::ParseFault fault;
  http::ParseStatus status = http::ParseStatus::need_more;
  while (status == http::ParseStatus::need_more) {
    if (!co_await read_more(call, probe, block, failure)) co_return answer;
    status = http::read_response(block->view(), {}, http::Method::post, scanned, *head, fault);
  }
  failure = Outcome::http_failure;
  if (status != http::ParseStatus::complete || head->status != 200) co_return answer;
  const std::string_view fields = block->view().substr(0, head->size);
  answer.status = grpc_status_in(fields.substr(fields.find("\r\n") + 2));
  block->begin += head->size;
  BodyReader reader(head->framing, head->content_length);
  while (!reader.complete()) {
    if (block->size() == 0 && !co_await read_more(call, probe, block, failure)) co_return answer;
    std::string_view piece;
    if (!reader.next(*block, {}, piece)) co_return answer;
    answer.message += piece;
  }
  if (answer.status.empty()) answer.status = grpc_status_in(reader.trailers());
  failure = Outcome::success;
  co_return answer;
}

// HealthCheckResponse: field 1, an enumeration in which 1 is SERVING.
bool serving(std::string_view message) {
  return message.size() == kEmptyMessage.size() + 2 && message.substr(5) == "\x08\x01";
}

}  // namespace

Task<std::optional<Outcome>> ask_grpc_health(GrpcProbe probe) {
  net::StreamPtr call = open_call(std::move(probe.stream), probe.tls);
  if (call == nullptr) co_return Outcome::tcp_failure;
  const std::string request = request_text(probe);
  net::BlockPtr block = probe.loop.blocks().take(request.size());
  block->append(request);
  call->queue(std::move(block));
  call->flush();
  Outcome failure = Outcome::tcp_failure;
  const Answer answer = co_await read_answer(*call, probe, failure);
  if (call->error() == ECANCELED) co_return std::nullopt;
  if (failure != Outcome::success) co_return failure;
  if (answer.status == kUnimplemented) co_return Outcome::success;
  co_return answer.status == "0" && serving(answer.message) ? Outcome::success
                                                            : Outcome::http_failure;
}

}  // namespace sallyport::proxy
