#include "proxy/upstream_pool.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sallyport::proxy {
namespace {

constexpr size_t kMostRenamed = 1024;

}  // namespace

UpstreamConnection::UpstreamConnection(AddressPool& its_pool) : pool(its_pool) {
  ++pool.connections_;
}

UpstreamConnection::~UpstreamConnection() {
  --pool.connections_;
}

AddressPool::AddressPool(net::Loop& loop, UpstreamAddress address, const PoolLimits& limits)
    : loop_(loop),
      address_(std::move(address)),
      limits_(limits),
      timer_([](void* self) { static_cast<AddressPool*>(self)->on_timer(); }, this) {}

AddressPool::~AddressPool() {
  loop_.timers().cancel(timer_);
  shed(idle_ + http2_.size());
}

UpstreamConnectionPtr AddressPool::take() {
  if (http2()) {
    net::StreamPtr pipe = open_pipe();
    if (pipe == nullptr) return nullptr;
    auto connection = std::make_unique<UpstreamConnection>(*this);
    connection->stream = std::move(pipe);
    return connection;
  }
  UpstreamConnection* connection = newest_;
  if (connection == nullptr) return nullptr;
  unlink(*connection);
  connection->stream->unwatch();
  return UpstreamConnectionPtr(connection);
}

void AddressPool::give_back(UpstreamConnectionPtr connection) {
  if (http2()) return;  // the stream is over, and its connection was never taken
  const bool worn_out = limits_.max_requests != 0 && connection->requests >= limits_.max_requests;
  net::Stream& stream = *connection->stream;
  // Bytes that no request has asked for would be taken for the next answer.
  if (limits_.size == 0 || worn_out || stream.receive_ready() || stream.unsent() > 0) return;
  if (idle_ >= limits_.size) shed(1);

  UpstreamConnection* raw = connection.release();
  raw->idle_since = loop_.now();
  raw->prev = nullptr;
  raw->next = newest_;
  (newest_ != nullptr ? newest_->prev : oldest_) = raw;
  newest_ = raw;
  ++idle_;
  if (limits_.idle_timeout_ms != 0 && !timer_.scheduled()) {
    loop_.timers().schedule(timer_, raw->idle_since + limits_.idle_timeout_ms);
  }
  stream.watch_any(&AddressPool::on_notice, raw);
  // Watching may find the end at once.
  if (stream.receive_ready()) {
    unlink(*raw);
    delete raw;
  }
}

size_t AddressPool::shed(size_t count) {
  size_t closed = 0;
  for (; closed < count && oldest_ != nullptr; ++closed) {
    UpstreamConnection* connection = oldest_;
    unlink(*connection);
    delete connection;
  }
  return closed + shed_http2(count - closed);
}

size_t AddressPool::shed_http2(size_t count) {
  size_t closed = 0;
  const std::vector<H2Upstream*> connections = http2_;
  for (H2Upstream* connection : connections) {
    if (closed == count || !connection->idle()) continue;
    ++closed;
    connection->end();
  }
  return closed;
}

net::StreamPtr AddressPool::open_pipe() {
  const auto free = std::ranges::find_if(http2_, [](H2Upstream* one) { return one->has_room(); });
  return free == http2_.end() ? nullptr : (*free)->open_pipe();
}

net::StreamPtr AddressPool::end_opening(net::StreamPtr connected, int error) {
  net::StreamPtr first;
  if (error == 0) {
    const H2UpstreamLimits limits{.session = limits_.http2,
                                  .max_requests = limits_.max_requests,
                                  .idle_timeout_ms = limits_.idle_timeout_ms};
    H2Upstream* connection =
        H2Upstream::start(*this, limits, std::move(connected), tls() != nullptr);
    if (connection != nullptr) {
      ++http2_count_;
      http2_.push_back(connection);
      first = connection->open_pipe();
    } else {
      error = ENOMEM;
    }
  }
  opening_ = false;
  // In the order in which they came.
  Opening* in_order = nullptr;
  for (Opening* one = std::exchange(waiting_, nullptr); one != nullptr;) {
    Opening* next = std::exchange(one->next, in_order);
    in_order = std::exchange(one, next);
  }
  while (in_order != nullptr) {
    Opening* one = std::exchange(in_order, in_order->next);
    one->error = error;
    one->waiting.resume();
  }
  return first;
}

void AddressPool::on_retired(H2Upstream& connection) {
  std::erase(http2_, &connection);
}

void AddressPool::unlink(UpstreamConnection& connection) {
  (connection.prev != nullptr ? connection.prev->next : newest_) = connection.next;
  (connection.next != nullptr ? connection.next->prev : oldest_) = connection.prev;
  connection.next = connection.prev = nullptr;
  --idle_;
}

void AddressPool::on_notice(void* owner) {
  auto* connection = static_cast<UpstreamConnection*>(owner);
  connection->pool.unlink(*connection);
  delete connection;
}

void AddressPool::on_timer() {
  while (oldest_ != nullptr && oldest_->idle_since + limits_.idle_timeout_ms <= loop_.now()) {
    shed(1);
  }
  if (oldest_ != nullptr) {
    loop_.timers().schedule(timer_, oldest_->idle_since + limits_.idle_timeout_ms);
  }
}

std::shared_ptr<AddressPool> UpstreamPools::at(const UpstreamAddress& address) {
  std::string key(reinterpret_cast<const char*>(address.socket.data()), address.socket.size());
  key += address.http2 ? '2' : '1';
  if (address.tls) address.tls->append_key(key);
  auto& pool = pools_[std::move(key)];
  if (pool == nullptr) pool = std::make_shared<AddressPool>(loop_, address, limits_);
  return pool;
}

AddressPool& UpstreamPools::renamed(const AddressPool& pool, std::string_view server_name) {
  UpstreamAddress address = pool.upstream();
  address.tls->server_name = server_name;
  if (pools_.size() >= kMostRenamed) make_room();
  return *at(address);
}

// Names that clients make up must not gather: what nobody refers to gives its idle connections up.
void UpstreamPools::make_room() {
  for (auto& [key, pool] : pools_) {
    if (pool.use_count() == 1) pool->shed(limits_.size);
  }
  prune();
}

void UpstreamPools::prune() {
  std::erase_if(pools_, [](const auto& entry) {
    return entry.second.use_count() == 1 && entry.second->unused();
  });
}

size_t UpstreamPools::shed(size_t count) {
  size_t closed = 0;
  for (auto& [key, pool] : pools_) {
    if (closed >= count) break;
    closed += pool->shed(count - closed);
  }
  return closed;
}

}  // namespace sallyport::proxy
