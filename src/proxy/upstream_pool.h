// Connections to upstreams by address: those of HTTP/1 that wait for their next request, those of
// HTTP/2 that can take more of them. One set of pools per worker, touched by its thread only. An
// idle connection holds no buffer and leaves the pool as soon as the upstream closes it or speaks
// out of turn.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/address.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls_session.h"
#include "proxy/h2_upstream.h"
#include "proxy/upstream_tls.h"

namespace sallyport::proxy {

class AddressPool;

// One connection, idle or serving a request. Its pool lives at least as long.
struct UpstreamConnection {
  explicit UpstreamConnection(AddressPool& its_pool);
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;
  ~UpstreamConnection();

  net::StreamPtr stream;  // of HTTP/2: one of its streams
  AddressPool& pool;
  uint32_t requests = 0;  // served on it
  uint64_t idle_since = 0;
  UpstreamConnection* next = nullptr;  // towards the longest idle
  UpstreamConnection* prev = nullptr;
};
using UpstreamConnectionPtr = std::unique_ptr<UpstreamConnection>;

struct PoolLimits {
  uint32_t size = 512;                // idle connections per address
  uint32_t max_requests = 10'000;     // per connection; 0: no limit
  uint64_t idle_timeout_ms = 60'000;  // 0: none
  http::H2Limits http2 = {};
};

// What tells one pool from another.
struct UpstreamAddress {
  net::SocketAddress socket;
  std::optional<UpstreamTls> tls;
  bool http2 = false;  // by ALPN with `tls`, by prior knowledge without
};

class AddressPool final : private H2UpstreamOwner {
 public:
  AddressPool(net::Loop& loop, UpstreamAddress address, const PoolLimits& limits);
  AddressPool(const AddressPool&) = delete;
  AddressPool& operator=(const AddressPool&) = delete;
  ~AddressPool();

  const net::SocketAddress& address() const { return address_.socket; }
  const UpstreamAddress& upstream() const { return address_; }
  // Null: plain.
  const UpstreamTls* tls() const { return address_.tls ? &*address_.tls : nullptr; }
  // Of the connections with TLS.
  net::TlsSession& session() { return session_; }
  bool http2() const { return address_.http2; }

  // The connection that was idle for the shortest time, or null.
  UpstreamConnectionPtr take();
  // A connection whose last exchange is complete; closed when the pool is full or it has served
  // enough.
  void give_back(UpstreamConnectionPtr connection);
  // Closes up to `count` idle connections, the longest idle first; returns how many.
  size_t shed(size_t count);

  // --- HTTP/2. Whoever finds no room on a connection opens one for all that come meanwhile.
  struct Opening;
  bool opening() const { return opening_; }
  void begin_opening() { opening_ = true; }
  // The connection, when `error` is 0, else errno. The first stream on it; null when memory is
  // short.
  net::StreamPtr end_opening(net::StreamPtr connected, int error);
  // Waits until the opening has ended; its errno.
  auto opened();
  // A stream on a connection that has room; null for none.
  net::StreamPtr open_pipe();

  // No connection, neither idle nor in use.
  bool unused() const { return connections_ == 0 && http2_count_ == 0 && !opening_; }

 private:
  friend struct UpstreamConnection;
  void unlink(UpstreamConnection& connection);
  static void on_notice(void* connection);
  void on_timer();
  size_t shed_http2(size_t count);
  void on_retired(H2Upstream& connection) override;
  void on_ended(H2Upstream&) override { --http2_count_; }

  net::Loop& loop_;
  UpstreamAddress address_;
  net::TlsSession session_;
  const PoolLimits& limits_;
  UpstreamConnection* newest_ = nullptr;
  UpstreamConnection* oldest_ = nullptr;
  size_t idle_ = 0;
  size_t connections_ = 0;
  net::Timer timer_;
  std::vector<H2Upstream*> http2_;  // that take requests
  size_t http2_count_ = 0;          // with those that only end what they have
  bool opening_ = false;
  Opening* waiting_ = nullptr;
};

// A request that waits for a connection that another one opens.
struct AddressPool::Opening {
  AddressPool& pool;
  int error = 0;
  std::coroutine_handle<> waiting = nullptr;
  Opening* next = nullptr;

  bool await_ready() const { return !pool.opening_; }
  void await_suspend(std::coroutine_handle<> who) {
    waiting = who;
    next = std::exchange(pool.waiting_, this);
  }
  int await_resume() const { return error; }
};

inline auto AddressPool::opened() {
  return Opening{.pool = *this};
}

class UpstreamPools {
 public:
  UpstreamPools(net::Loop& loop, const PoolLimits& limits) : loop_(loop), limits_(limits) {}

  std::shared_ptr<AddressPool> at(const UpstreamAddress& address);
  // The same address with TLS for another name, which a client may have chosen. Valid while it has
  // a connection.
  AddressPool& renamed(const AddressPool& pool, std::string_view server_name);
  // Forgets pools that nobody refers to and that are empty.
  void prune();
  // Gives descriptors back when the process has none left.
  size_t shed(size_t count);
  void clear() { pools_.clear(); }

 private:
  net::Loop& loop_;
  void make_room();

  PoolLimits limits_;
  std::unordered_map<std::string, std::shared_ptr<AddressPool>> pools_;
};

}  // namespace sallyport::proxy
