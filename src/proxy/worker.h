// One worker of the data plane, as its sessions see it: a loop with its listeners, its view of the
// configuration, its upstream connections and its counters. Made, used and destroyed on its own
// thread (worker_thread.h).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "net/datagram_socket.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "proxy/access_log.h"
#include "proxy/counters.h"
#include "proxy/exchange.h"
#include "proxy/health_checker.h"
#include "proxy/options.h"
#include "proxy/random_id.h"
#include "proxy/real_ip.h"
#include "proxy/session.h"
#include "proxy/targets.h"
#include "proxy/upstream_pool.h"

namespace sallyport::proxy {

class PendingReply;
class UdpRelay;

struct WorkerListener {
  std::unique_ptr<net::Listener> socket;           // null: UDP
  std::unique_ptr<net::DatagramSocket> datagrams;  // null: TCP
  Role role = Role::proxy;
  bool http2 = false;                          // as well as HTTP/1
  bool proxy_protocol = false;                 // every connection begins with its header
  std::shared_ptr<const net::TlsContext> tls;  // null: plain
  std::string port_text;                       // of X-Forwarded-Port; "" for unix sockets
};

// What all workers share; immutable; outlives them.
struct WorkerShared {
  Options options;
  RealIp real_ip;
  std::shared_ptr<const net::TlsContext> upstream_tls;
  AccessLog* access_log = nullptr;         // null: off
  AccessLog* stream_access_log = nullptr;  // of stream listeners; may be the same
};

class Worker : private net::CertificateSource {
 public:
  // `listeners` stay the caller's and outlive the worker.
  Worker(const WorkerShared& shared, WorkerCounters& counters,
         std::vector<WorkerListener>& listeners, std::unique_ptr<net::Loop> loop,
         std::unique_ptr<net::Resolver> resolver, bool checks_health);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() override;

  // Until stop(); then every session has ended.
  void run();
  // Accepts from now on.
  void listen();

  void replace_snapshot(std::shared_ptr<const runtime::Snapshot> snapshot);
  // Stops accepting and lets every session end; `drained` is called when the last one has. See
  // Gateway::drain() for `idle`.
  void drain(Milliseconds idle, std::function<void()> drained);
  // Of a drain that has begun.
  void shorten_drain(Milliseconds idle);
  // Cuts what is open.
  void stop();

  net::Loop& loop() { return *loop_; }
  const Options& options() const { return shared_.options; }
  const RealIp& real_ip() const { return shared_.real_ip; }
  const net::TlsContext& upstream_tls() const { return *shared_.upstream_tls; }
  // Whether a connection that was accepted as `fd` may stay; else it is closed, so that whoever
  // wanted it knows at once. The APIs' always may.
  bool admits(const WorkerListener& listener, int fd);
  // TLS with a client, where the listener has it; the certificate is the one that the newest
  // snapshot has for the SNI. Before any byte has come or gone. False when memory is short.
  bool accept_tls(net::Stream& stream, const WorkerListener& listener);
  WorkerCounters& count() { return counters_; }
  Targets& targets() { return targets_; }
  net::Resolver& resolver() { return *resolver_; }
  UpstreamPools& pools() { return pools_; }
  bool draining() const { return draining_; }
  // While it drains: how long a connection may be idle, in milliseconds.
  uint32_t drain_idle() const { return drain_idle_; }
  bool stopping() const { return stopping_; }

  Exchange& take_exchange();
  void give_back(Exchange& exchange);
  void new_request_id(std::array<char, 32>& out) { random_id_.write(out); }
  std::string_view date();  // now, as HTTP writes it

  void add(ClientConnection& connection);
  void remove(ClientConnection& connection);
  void add(PendingReply& reply) { replies_.insert(&reply); }
  void remove(PendingReply& reply) { replies_.erase(&reply); }

  bool logs_access() const { return shared_.access_log != nullptr; }
  void log_access(const Session& session, const Exchange& exchange);
  void log_stream(const StreamLogEntry& entry);

 private:
  const net::ServerCertificate* certificate_for(std::string_view server_name) const override;
  struct Acceptor {
    Worker* worker;
    WorkerListener* listener;
  };
  static void on_accepted(void* owner, net::Listener&, int fd);
  void retire_listeners();
  void on_listener_closed();
  void stop_listening();
  void flush_access_log();
  void flush_soon(const std::string& lines);
  std::string_view local_time();
  void check_drained();
  bool takes_idle_place(int fd);
  // How many.
  size_t end_idle_clients();
  void warn_of_refusals(std::string_view why);
  void relieve();

  const WorkerShared& shared_;
  WorkerCounters& counters_;
  std::vector<WorkerListener>& listeners_;
  std::vector<Acceptor> acceptors_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<net::Resolver> resolver_;
  UpstreamPools pools_;
  Targets targets_;
  std::unique_ptr<HealthChecker> health_checker_;  // null on all workers but one
  ConnectionList connections_;
  std::unordered_set<PendingReply*> replies_;
  std::vector<std::unique_ptr<UdpRelay>> udp_;

  Exchange* free_exchanges_ = nullptr;
  size_t free_exchange_count_ = 0;
  RandomId random_id_;

  std::array<char, 29> date_{};
  uint64_t date_second_ = 0;  // of the loop's clock
  std::string local_time_;
  uint64_t local_time_second_ = 0;
  std::string access_lines_;
  std::string stream_lines_;
  net::Timer access_log_timer_;

  size_t places_made_ = 0;  // clients ended for being idle, in whose place nobody has come yet
  uint64_t refused_ = 0;    // since the last warning
  uint64_t warned_at_ = 0;
  uint64_t relieved_at_ = 0;

  bool draining_ = false;
  bool stopping_ = false;
  uint32_t drain_idle_ = 0;
  size_t retiring_ = 0;  // listeners
  std::function<void()> drained_;
};

}  // namespace sallyport::proxy
