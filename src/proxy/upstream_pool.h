// Connections to upstreams that wait for their next request, by address: one set of pools per
// worker, touched by its thread only. An idle connection holds no buffer and leaves the pool as
// soon as the upstream closes it or speaks out of turn.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "net/address.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"

namespace sallyport::proxy {

class AddressPool;

// One connection, idle or serving a request. Its pool lives at least as long.
struct UpstreamConnection {
  explicit UpstreamConnection(AddressPool& its_pool);
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;
  ~UpstreamConnection();

  net::StreamPtr stream;
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
};

// What tells one pool from another.
struct UpstreamAddress {
  net::SocketAddress socket;
  bool tls = false;
  std::string server_name;  // whom TLS asks for; "" for none
  bool verify = false;      // its certificate: the chain and the name
  int verify_depth = -1;    // -1: OpenSSL's
};

class AddressPool {
 public:
  AddressPool(net::Loop& loop, UpstreamAddress address, const PoolLimits& limits);
  AddressPool(const AddressPool&) = delete;
  AddressPool& operator=(const AddressPool&) = delete;
  ~AddressPool();

  const net::SocketAddress& address() const { return address_.socket; }
  bool tls() const { return address_.tls; }
  bool verify() const { return address_.verify; }
  int verify_depth() const { return address_.verify_depth; }
  const std::string& server_name() const { return address_.server_name; }

  // The connection that was idle for the shortest time, or null.
  UpstreamConnectionPtr take();
  // A connection whose last exchange is complete; closed when the pool is full or it has served
  // enough.
  void give_back(UpstreamConnectionPtr connection);
  // Closes up to `count` idle connections, the longest idle first; returns how many.
  size_t shed(size_t count);

  // No connection, neither idle nor in use.
  bool unused() const { return connections_ == 0; }

 private:
  friend struct UpstreamConnection;
  void unlink(UpstreamConnection& connection);
  static void on_notice(void* connection);
  void on_timer();

  net::Loop& loop_;
  UpstreamAddress address_;
  const PoolLimits& limits_;
  UpstreamConnection* newest_ = nullptr;
  UpstreamConnection* oldest_ = nullptr;
  size_t idle_ = 0;
  size_t connections_ = 0;
  net::Timer timer_;
};

class UpstreamPools {
 public:
  UpstreamPools(net::Loop& loop, const PoolLimits& limits) : loop_(loop), limits_(limits) {}

  std::shared_ptr<AddressPool> at(const UpstreamAddress& address);
  // Forgets pools that nobody refers to and that are empty.
  void prune();
  // Gives descriptors back when the process has none left.
  size_t shed(size_t count);
  void clear() { pools_.clear(); }

 private:
  net::Loop& loop_;
  PoolLimits limits_;
  std::unordered_map<std::string, std::shared_ptr<AddressPool>> pools_;
};

}  // namespace sallyport::proxy
