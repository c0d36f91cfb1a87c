#include "proxy/session.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "http/h1_reader.h"
#include "net/proxy_protocol.h"
#include "proxy/answer.h"
#include "proxy/h2_connection.h"
#include "proxy/pipeline.h"
#include "proxy/plugin_run.h"
#include "proxy/preamble.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

// For what a busy worker has not looked at yet.
constexpr uint32_t kLastLookMs = 1;

uint32_t milliseconds(Milliseconds duration) {
  return static_cast<uint32_t>(duration.count());
}

// A refused head leaves what the last one left, but for the line that it began with.
void forget_fields(http::RequestHead& head) {
  head.host = {};
  head.minor_version = 1;
  head.header_count = 0;
  head.first = {};
  head.framing = http::BodyFraming::none;
  head.content_length = 0;
  head.keep_alive = head.expect_continue = head.upgrade = false;
}

void forget_head(http::RequestHead& head) {
  head.method = http::Method::other;
  head.method_text = head.target = {};
  forget_fields(head);
}

}  // namespace

void Session::start(Worker& worker, WorkerListener& listener, int fd) {
  worker.count().accepted.add();
  if (!worker.admits(listener, fd)) return;
  net::StreamPtr stream = worker.loop().adopt(fd);
  if (stream == nullptr) return;
  worker.count().handled.add();
  const auto peer = Peer::of_socket(fd, worker.real_ip());
  if (!peer) return;
  net::Stream* transport = stream.get();
  auto* session = new Session(worker, listener, *peer, std::move(stream), transport);
  if (!listener.proxy_protocol && !worker.accept_tls(*session->stream_, listener)) {
    delete session;
    return;
  }
  session->run();
}

void Session::serve_stream(H2Connection& connection, net::StreamPtr stream) {
  auto* session = new Session(connection.worker(), connection.listener(), connection.peer(),
                              std::move(stream), &connection.transport());
  session->run();
}

Session::Session(Worker& worker, WorkerListener& listener, const Peer& peer, net::StreamPtr stream,
                 net::Stream* transport)
    : worker_(worker),
      listener_(listener),
      stream_(std::move(stream)),
      transport_(*transport),
      peer_(peer),
      over_http2_(transport != stream_.get()) {
  stream_->set_send_timeout(milliseconds(worker.options().send_timeout));
  if (over_http2()) return;
  worker_.count().active.add();
  worker_.add(*this);
}

Session::~Session() {
  enter(State::starting);
  if (over_http2()) return;
  worker_.count().active.subtract();
  worker_.remove(*this);
}

void Session::enter(State state) {
  WorkerCounters& count = worker_.count();
  auto counter = [&count](State which) -> Count* {
    switch (which) {
      case State::waiting:
        return &count.waiting;
      case State::reading:
        return &count.reading;
      case State::writing:
        return &count.writing;
      default:
        return nullptr;
    }
  };
  if (Count* left = counter(state_)) left->subtract();
  if (Count* entered = counter(state)) entered->add();
  state_ = state;
}

void Session::record(const Exchange& exchange) {
  if (exchange.status == 0) return;
  worker_.count().requests.add();
  if (worker_.logs_access()) worker_.log_access(*this, exchange);
}

bool Session::may_keep_alive(const Exchange& exchange) const {
  const uint32_t most = worker_.options().keepalive_requests;
  return exchange.request.keep_alive && !worker_.draining() && (most == 0 || requests_ < most) &&
         worker_.options().keepalive_timeout.count() > 0;
}

// What a load balancer says comes before everything else, TLS too.
Task<bool> Session::read_proxy_header() {
  const uint64_t deadline = worker_.loop().now() + milliseconds(worker_.options().header_timeout);
  net::BlockPtr early;
  net::ProxyHeader header;
  const Preamble end = co_await take_proxy_header(*stream_, deadline, early, header);
  if (end == Preamble::broken) log::warn("broken PROXY protocol header from {}", peer_.ip());
  if (end != Preamble::complete) co_return false;
  if (header.source) peer_.source = header.source->ip();
  net::BlockQueue received = take_received(*stream_, std::move(early));
  if (!worker_.accept_tls(*stream_, listener_)) co_return false;
  give_back(*stream_, std::move(received));
  co_return true;
}

// The first request has the time that a head has.
uint32_t Session::idle_timeout() const {
  const Options& options = worker_.options();
  const bool first = requests_ == 0;
  const uint32_t regular = milliseconds(first ? options.header_timeout : options.keepalive_timeout);
  if (!worker_.draining()) return regular;
  return std::min(regular, std::max(worker_.drain_idle(), first ? kDrainFirstMs : 0));
}

void Session::begin_drain() {
  if (state_ == State::waiting) stream_->rearm_receive(idle_timeout());
}

// An idle connection is not closed over a request that is here already.
Task<net::Received> Session::look_once_more() {
  net::Received received;
  do {
    received = co_await stream_->receive(kLastLookMs);
  } while (received.status == net::IoStatus::timed_out && stream_->has_unseen());
  co_return received;
}

void Session::cut() {
  if (listener_.role == Role::proxy) fail(ENOMEM);
}

// It ends as it would by its timeout: not over a request that is here already.
bool Session::end_if_idle() {
  if (listener_.role != Role::proxy || state_ != State::waiting || stream_->unsent() > 0) {
    return false;
  }
  const uint64_t now = worker_.loop().now();
  const uint64_t deadline = stream_->receive_deadline();
  const bool recent = deadline + kIdleEnoughMs > now + idle_timeout();
  if (deadline <= now + kLastLookMs || recent) return false;
  stream_->rearm_receive(kLastLookMs);
  return true;
}

Detached Session::run() {
  bool linger = false;
  bool keep = !listener_.proxy_protocol || over_http2_ || co_await read_proxy_header();
  while (keep) {
    enter(State::waiting);
    net::Received first = co_await stream_->receive(idle_timeout());
    if (first.status == net::IoStatus::timed_out) first = co_await look_once_more();
    if (first.status != net::IoStatus::ok) {
      if (client_speaks_plain_http()) co_await refuse_plain_http();
      break;
    }
    enter(State::reading);
    Exchange& exchange = worker_.take_exchange();
    exchange.started = worker_.loop().now();
    exchange.request.http2 = over_http2();
    exchange.head = std::move(first.block);
    HeadOutcome outcome = parse_head(exchange);
    if (outcome == HeadOutcome::need_more) outcome = co_await read_rest_of_head(exchange);
    if (outcome == HeadOutcome::refused && speaks_http2(exchange)) {
      H2Connection::start(worker_, listener_, peer_, std::move(stream_), std::move(exchange.head));
      worker_.give_back(exchange);
      break;
    }
    enter(State::writing);
    if (outcome == HeadOutcome::complete) {
      ++requests_;
      split_body(exchange);
      keep = co_await serve(*this, exchange);
    } else {
      keep = co_await answer_bad_head(exchange, outcome);
    }
    if (exchange.plugins != nullptr) exchange.plugins->log();
    record(exchange);
    linger = exchange.linger;
    worker_.give_back(exchange);
    // A client that pipelines without reading is made to read.
    if (keep && stream_->unsent() > kHighWater) {
      keep = co_await stream_->drained(kLowWater) == net::IoStatus::ok;
    }
  }
  if (!keep) co_await close_gently(linger);
  delete this;
}

// By ALPN, or with prior knowledge on a plain listener.
bool Session::speaks_http2(const Exchange& exchange) const {
  return exchange.fault.reason == http::kHttp2Preface && listener_.http2 && requests_ == 0 &&
         !over_http2() && (listener_.tls == nullptr || stream_->tls_http2());
}

Session::HeadOutcome Session::parse_head(Exchange& exchange) {
  switch (http::read_request(exchange.head->view(), worker_.options().limits, exchange.scanned,
                             exchange.request, exchange.fault)) {
    case http::ParseStatus::complete:
      if (over_http2()) exchange.request.keep_alive = false;  // a stream has one request
      return body_begins_soundly(exchange) ? HeadOutcome::complete : HeadOutcome::refused;
    case http::ParseStatus::need_more:
      return HeadOutcome::need_more;
    case http::ParseStatus::error:
      break;
  }
  return HeadOutcome::refused;
}

// What is here of a chunked body is looked at before an upstream hears of the request.
bool Session::body_begins_soundly(Exchange& exchange) const {
  const http::RequestHead& request = exchange.request;
  if (request.framing != http::BodyFraming::chunked || over_http2()) return true;
  return http::bytes_behind_chunks(exchange.head->view().substr(request.size),
                                   worker_.options().limits, exchange.fault)
      .has_value();
}

Task<Session::HeadOutcome> Session::read_rest_of_head(Exchange& exchange) {
  const uint64_t deadline = exchange.started + milliseconds(worker_.options().header_timeout);
  for (;;) {
    const uint64_t now = worker_.loop().now();
    if (now >= deadline) co_return HeadOutcome::timed_out;
    net::Received more = co_await stream_->receive(static_cast<uint32_t>(deadline - now));
    if (more.status == net::IoStatus::timed_out) co_return HeadOutcome::timed_out;
    if (more.status != net::IoStatus::ok) co_return HeadOutcome::gone;
    append_block(exchange.head, *more.block, worker_.loop().blocks());
    const HeadOutcome outcome = parse_head(exchange);
    if (outcome != HeadOutcome::need_more) co_return outcome;
  }
}

// Sorts what came behind the head: a body that is all here stays, anything else goes back to the
// stream for whoever reads the body or the next request.
void Session::split_body(Exchange& exchange) {
  const http::RequestHead& request = exchange.request;
  std::string_view rest = exchange.head->view().substr(request.size);
  if (request.framing == http::BodyFraming::chunked) {
    exchange.body_pending = true;
  } else if (request.content_length > rest.size()) {
    exchange.body_pending = true;
  } else {
    exchange.body = rest.substr(0, request.content_length);
    rest.remove_prefix(request.content_length);
  }
  if (rest.empty()) return;
  net::BlockPtr later = worker_.loop().blocks().take(rest.size());
  later->append(rest);
  exchange.head->end -= static_cast<uint32_t>(rest.size());
  stream_->unread(std::move(later));
}

Task<bool> Session::answer_bad_head(Exchange& exchange, HeadOutcome outcome) {
  forget_fields(exchange.request);
  worker_.new_request_id(exchange.request_id);
  exchange.client_ip = peer_ip();
  int status = 408;
  if (outcome == HeadOutcome::gone) co_return false;
  if (outcome == HeadOutcome::refused) {
    // nginx's own code for heads that are too large, which Kong's users know.
    status = exchange.fault.status == 431 ? 494 : exchange.fault.status;
  }
  co_await answer_error(*this, exchange, status, "", ErrorSource::handler, true);
  co_return false;
}

bool Session::client_speaks_plain_http() const {
  const net::TlsFault* fault = stream_->tls_fault();
  return fault != nullptr && fault->kind == net::TlsFault::Kind::plain_http;
}

// What it has sent is not read: OpenSSL has the beginning of it.
Task<void> Session::refuse_plain_http() {
  stream_->leave_tls();
  enter(State::writing);
  Exchange& exchange = worker_.take_exchange();
  exchange.started = worker_.loop().now();
  exchange.request.http2 = false;
  forget_head(exchange.request);
  worker_.new_request_id(exchange.request_id);
  exchange.client_ip = peer_ip();
  co_await answer_error(*this, exchange, 400, "The plain HTTP request was sent to HTTPS port",
                        ErrorSource::handler, true);
  record(exchange);
  worker_.give_back(exchange);
  co_await close_gently(true);
}

// The last answer must reach the client: closing a socket with unread bytes resets it, and the
// client's kernel throws away what the client has not read yet.
Task<void> Session::close_gently(bool linger) {
  stream_->finish_output();
  if (co_await stream_->drained(0) != net::IoStatus::ok) co_return;
  if (!linger && !stream_->has_received()) co_return;
  stream_->shutdown_send();
  const uint64_t deadline = worker_.loop().now() + milliseconds(worker_.options().linger_timeout);
  for (;;) {
    const uint64_t now = worker_.loop().now();
    if (now >= deadline || worker_.stopping()) co_return;
    net::Received dropped = co_await stream_->receive(static_cast<uint32_t>(deadline - now));
    if (dropped.status != net::IoStatus::ok) co_return;
  }
}

}  // namespace sallyport::proxy
