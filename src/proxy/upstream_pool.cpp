#include "proxy/upstream_pool.h"

#include <utility>

namespace sallyport::proxy {

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
  shed(idle_);
}

UpstreamConnectionPtr AddressPool::take() {
  UpstreamConnection* connection = newest_;
  if (connection == nullptr) return nullptr;
  unlink(*connection);
  connection->stream->unwatch();
  return UpstreamConnectionPtr(connection);
}

void AddressPool::give_back(UpstreamConnectionPtr connection) {
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
  return closed;
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
  key += address.tls ? 's' : 'p';
  if (address.verify) key += 'v' + std::to_string(address.verify_depth) + ' ';
  key += address.server_name;
  auto& pool = pools_[std::move(key)];
  if (pool == nullptr) pool = std::make_shared<AddressPool>(loop_, address, limits_);
  return pool;
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
