#include "proxy/session.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <sys/socket.h>

#include "http/h1_reader.h"
#include "proxy/answer.h"
#include "proxy/pipeline.h"
#include "proxy/plugin_run.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

uint32_t milliseconds(Milliseconds duration) {
  return static_cast<uint32_t>(duration.count());
}

// A refused head leaves what the last one left.
void forget_head(http::RequestHead& head) {
  head.method = http::Method::other;
  head.method_text = head.target = head.host = {};
  head.minor_version = 1;
  head.header_count = 0;
  head.first = {};
  head.framing = http::BodyFraming::none;
  head.content_length = 0;
  head.keep_alive = head.expect_continue = head.upgrade = false;
}

}  // namespace

void Session::start(Worker& worker, WorkerListener& listener, int fd) {
  worker.count().accepted.add();
  net::StreamPtr stream = worker.loop().adopt(fd);
  if (stream == nullptr) return;
  if (listener.tls != nullptr && !stream->start_tls(*listener.tls)) return;
  worker.count().handled.add();
  auto* session = new Session(worker, listener, std::move(stream));
  session->run();
}

Session::Session(Worker& worker, WorkerListener& listener, net::StreamPtr stream)
    : worker_(worker), listener_(listener), stream_(std::move(stream)) {
  stream_->set_send_timeout(milliseconds(worker.options().send_timeout));
  learn_peer();
  worker_.count().active.add();
  worker_.add(*this);
}

Session::~Session() {
  enter(State::starting);
  worker_.count().active.subtract();
  worker_.remove(*this);
}

void Session::learn_peer() {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  ::getpeername(stream_->fd(), reinterpret_cast<sockaddr*>(&storage), &size);
  const auto address = net::SocketAddress::from(reinterpret_cast<sockaddr*>(&storage), size);
  const auto ip = address.ip();
  const std::string text = ip ? ip->text() : "unix:";
  peer_ip_size_ = static_cast<uint8_t>(std::min(text.size(), peer_ip_.size()));
  std::memcpy(peer_ip_.data(), text.data(), peer_ip_size_);
  peer_trusted_ = !worker_.real_ip().empty() && worker_.real_ip().trusts(ip);
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

bool Session::may_keep_alive(const Exchange& exchange) const {
  const uint32_t most = worker_.options().keepalive_requests;
  return exchange.request.keep_alive && !worker_.draining() && (most == 0 || requests_ < most) &&
         worker_.options().keepalive_timeout.count() > 0;
}

uint32_t Session::idle_timeout() const {
  // The first request has the time that a head has; a draining worker waits for the last only.
  const Options& options = worker_.options();
  if (worker_.draining()) return kDrainIdleMs;
  return milliseconds(requests_ == 0 ? options.header_timeout : options.keepalive_timeout);
}

void Session::shorten_idle(uint32_t timeout_ms) {
  if (state_ == State::waiting) stream_->rearm_receive(timeout_ms);
}

Detached Session::run() {
  bool keep = true;
  bool linger = false;
  while (keep) {
    enter(State::waiting);
    net::Received first = co_await stream_->receive(idle_timeout());
    if (first.status != net::IoStatus::ok) break;
    enter(State::reading);
    Exchange& exchange = worker_.take_exchange();
    exchange.started = worker_.loop().now();
    exchange.head = std::move(first.block);
    HeadOutcome outcome = parse_head(exchange);
    if (outcome == HeadOutcome::need_more) outcome = co_await read_rest_of_head(exchange);
    enter(State::writing);
    if (outcome == HeadOutcome::complete) {
      ++requests_;
      split_body(exchange);
      keep = co_await serve(*this, exchange);
    } else {
      keep = co_await answer_bad_head(exchange, outcome);
    }
    if (exchange.plugins != nullptr) exchange.plugins->log();
    if (exchange.status != 0) {
      worker_.count().requests.add();
      if (worker_.logs_access()) worker_.log_access(*this, exchange);
    }
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

Session::HeadOutcome Session::parse_head(Exchange& exchange) {
  switch (http::read_request(exchange.head->view(), worker_.options().limits, exchange.scanned,
                             exchange.request, exchange.fault)) {
    case http::ParseStatus::complete:
      return HeadOutcome::complete;
    case http::ParseStatus::need_more:
      return HeadOutcome::need_more;
    case http::ParseStatus::error:
      break;
  }
  return HeadOutcome::refused;
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
  forget_head(exchange.request);
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

void SessionList::add(Session& session) {
  session.next_ = first_;
  if (first_ != nullptr) first_->prev_ = &session;
  first_ = &session;
}

void SessionList::remove(Session& session) {
  (session.prev_ != nullptr ? session.prev_->next_ : first_) = session.next_;
  if (session.next_ != nullptr) session.next_->prev_ = session.prev_;
}

}  // namespace sallyport::proxy
