#include "proxy/gateway.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "net/port_probe.h"
#include "proxy/access_log.h"
#include "proxy/listening_sockets.h"
#include "proxy/worker_thread.h"

namespace sallyport::proxy {
namespace {

class RunningGateway final : public Gateway {
 public:
  explicit RunningGateway(Options options) { shared_.options = std::move(options); }
  ~RunningGateway() override { stop(); }

  Result<void> start(const runtime::Publisher& publisher);
  void subscribe(runtime::Publisher& publisher);
  void share_sockets_of(const Gateway* former) {
    former_ = static_cast<const RunningGateway*>(former);
  }

  bool drain(Milliseconds within, Milliseconds idle) override;
  void shorten_drain(Milliseconds idle) override;
  void stop() override;
  Counters counters() const override;
  std::vector<BoundListener> listeners() const override { return bound_; }
  std::string_view backend() const override { return workers_->front()->backend(); }
  uint64_t snapshot_version() const override;
  void reopen_logs() override;

 private:
  using Workers = std::vector<std::unique_ptr<WorkerThread>>;
  void close_spare_sockets();
  Result<void> open_logs();
  Result<void> make_tls_contexts();
  Result<void> make_server_context(Role role);
  Result<void> probe_listeners() const;
  Result<void> open_listeners(std::vector<std::vector<WorkerListener>>& per_worker);
  Result<void> open_datagrams(net::SocketAddress address, const ListenerOptions& options,
                              std::vector<std::vector<WorkerListener>>& per_worker);
  Result<void> open_listener(const ListenerOptions& options,
                             std::vector<std::vector<WorkerListener>>& per_worker);
  WorkerListener listener_on(std::unique_ptr<net::Listener> socket, const ListenerOptions& options);

  WorkerShared shared_;
  std::unique_ptr<AccessLog> access_log_;
  std::unique_ptr<AccessLog> stream_access_log_;                // null: off, or the one of requests
  std::map<Role, std::shared_ptr<const net::TlsContext>> tls_;  // of the `ssl` listeners
  std::vector<BoundListener> bound_;
  std::mutex stopping_;
  const RunningGateway* former_ = nullptr;  // during start()
  ListeningSockets sockets_;
  // Shared with the subscription, which the publisher may keep longer than the gateway lives.
  std::shared_ptr<Workers> workers_ = std::make_shared<Workers>();
};

Result<void> check(const Options& options) {
  if (options.workers < 1 || options.workers > 1024) {
    return fail("gateway.option", Side::config,
                "workers = " + std::to_string(options.workers) + " is not between 1 and 1024");
  }
  for (const ListenerOptions& listener : options.listeners) {
    const bool handled = listener.role == Role::proxy || listener.role == Role::stream ||
                         (listener.role == Role::admin ? options.admin : options.status);
    if (!handled) {
      return fail("gateway.option", Side::internal, "an API listener has no handler");
    }
  }
  return {};
}

// Before any worker learns the addresses, so that all share the same states.
void configure_board(balancer::HealthBoard& board, const runtime::Snapshot& snapshot) {
  std::vector<std::string> ids;
  for (const auto& entry : *snapshot.upstreams) {
    ids.push_back(entry->upstream->id);
    board.upstream(ids.back())->configure(*entry->upstream, entry->targets);
  }
  board.keep_only(ids);
}

Result<void> RunningGateway::start(const runtime::Publisher& publisher) {
  Options& options = shared_.options;
  if (options.health == nullptr) options.health = std::make_shared<balancer::HealthBoard>();
  if (auto checked = check(options); !checked) return checked;
  auto real_ip =
      RealIp::create(options.trusted_ips, options.real_ip_header, options.real_ip_recursive);
  if (!real_ip) return fail(real_ip.error());
  shared_.real_ip = std::move(*real_ip);
  if (auto opened = open_logs(); !opened) return opened;
  if (auto made = make_tls_contexts(); !made) return made;
  std::vector<std::vector<WorkerListener>> per_worker(options.workers);
  if (auto opened = open_listeners(per_worker); !opened) return opened;
  if (const auto snapshot = publisher.current()) configure_board(*options.health, *snapshot);
  std::string fallback;
  for (auto& listeners : per_worker) {
    const bool first = workers_->empty();
    auto& worker = workers_->emplace_back(
        std::make_unique<WorkerThread>(shared_, std::move(listeners), first));
    if (auto started = worker->start(&fallback, publisher.current()); !started) return started;
  }
  // Nothing fails behind it: a data plane that is given up would reset who has connected to it.
  if (auto listening = sockets_.listen(); !listening) return listening;
  for (const auto& worker : *workers_) worker->post_listen();
  if (!fallback.empty()) log::notice("io_backend: epoll in place of io_uring: {}", fallback);
  return {};
}

Error named(std::string_view setting, Error error) {
  error.detail = std::string(setting) + ": " + error.detail;
  return error;
}

Result<void> RunningGateway::open_logs() {
  const Options& options = shared_.options;
  if (!options.access_log.empty()) {
    auto log = AccessLog::open(options.access_log);
    if (!log) return fail(log.error());
    access_log_ = std::move(*log);
    shared_.access_log = access_log_.get();
  }
  if (options.stream_access_log.empty()) return {};
  if (options.stream_access_log == options.access_log) {
    shared_.stream_access_log = shared_.access_log;
    return {};
  }
  auto log = AccessLog::open(options.stream_access_log, "proxy_stream_access_log");
  if (!log) return fail(log.error());
  stream_access_log_ = std::move(*log);
  shared_.stream_access_log = stream_access_log_.get();
  return {};
}

Result<void> RunningGateway::make_tls_contexts() {
  const Options& options = shared_.options;
  net::ClientTls to_upstreams{.protocols = options.upstream_tls_protocols,
                              .authorities = options.trusted_authorities,
                              .identity = nullptr};
  if (!options.client_certificate.chain_pem.empty()) {
    auto pair = net::KeyPair::load(options.client_certificate.chain_pem,
                                   options.client_certificate.key_pem);
    if (!pair) return fail(named("client_ssl_cert", pair.error()));
    to_upstreams.identity = std::move(*pair);
  }
  auto upstream = net::TlsContext::client(to_upstreams);
  if (!upstream) return fail(upstream.error());
  shared_.upstream_tls = std::move(*upstream);
  for (const ListenerOptions& listener : options.listeners) {
    if (!listener.ssl || tls_.contains(listener.role)) continue;
    if (auto made = make_server_context(listener.role); !made) return made;
  }
  return {};
}

Result<void> RunningGateway::make_server_context(Role role) {
  const Options& options = shared_.options;
  const bool proxy = role == Role::proxy || role == Role::stream;
  const Certificates& certificates = proxy                 ? options.proxy_certificates
                                     : role == Role::admin ? options.admin_certificates
                                                           : options.status_certificates;
  const char* setting = proxy                 ? "ssl_cert"
                        : role == Role::admin ? "admin_ssl_cert"
                                              : "status_ssl_cert";
  net::ServerTls server{.certificate = {}, .policy = options.tls_policy};
  for (const Certificate& certificate : certificates) {
    auto pair = net::KeyPair::load(certificate.chain_pem, certificate.key_pem);
    if (!pair) return fail(named(setting, pair.error()));
    server.certificate.push_back(std::move(*pair));
  }
  if (certificates.empty()) {
    return fail("gateway.tls", Side::config,
                std::string("an ssl listener has no certificate: ") + setting + " is empty");
  }
  if (role == Role::admin) server.client_authorities = options.admin_client_authorities;
  auto made = net::TlsContext::server(server);
  if (!made) return fail(made.error());
  tls_[role] = std::move(*made);
  return {};
}

// At a reload and an upgrade it is ourselves who listen.
Result<void> RunningGateway::probe_listeners() const {
  if (former_ != nullptr || shared_.options.take_over) return {};
  std::vector<net::PortWanted> wanted;
  for (const ListenerOptions& options : shared_.options.listeners) {
    auto address = net::SocketAddress::parse(options.address, options.port);
    if (!address) return fail(address.error());
    wanted.push_back({*address, options.ipv6only, options.udp});
  }
  return net::probe_ports(wanted);
}

Result<void> RunningGateway::open_listeners(std::vector<std::vector<WorkerListener>>& per_worker) {
  if (auto probed = probe_listeners(); !probed) return probed;
  for (const ListenerOptions& options : shared_.options.listeners) {
    if (auto opened = open_listener(options, per_worker); !opened) return opened;
  }
  return {};
}

Result<void> RunningGateway::open_datagrams(net::SocketAddress address,
                                            const ListenerOptions& options,
                                            std::vector<std::vector<WorkerListener>>& per_worker) {
  for (auto& listeners : per_worker) {
    auto socket = net::DatagramSocket::bind(address, options.ipv6only);
    if (!socket) return fail(socket.error());
    address = (*socket)->address();
    WorkerListener& listener = listeners.emplace_back();
    listener.datagrams = std::move(*socket);
    listener.role = options.role;
  }
  bound_.push_back({options.role, options.address, address.port(), false});
  return {};
}

// One socket per worker on the same address: the kernel spreads the connections. A socket more than
// there are workers, and a unix socket, is everybody's.
Result<void> RunningGateway::open_listener(const ListenerOptions& options,
                                           std::vector<std::vector<WorkerListener>>& per_worker) {
  const auto address = net::SocketAddress::parse(options.address, options.port);
  if (!address) return fail(address.error());
  if (options.udp) return open_datagrams(*address, options, per_worker);
  const net::Listener::Config config{.backlog = options.backlog,
                                     .ipv6only = options.ipv6only,
                                     .take_over = shared_.options.take_over};
  const auto sockets = sockets_.open(*address, config, per_worker.size(),
                                     former_ != nullptr ? &former_->sockets_ : nullptr);
  if (!sockets) return fail(sockets.error());
  for (size_t i = 0; i < sockets->size(); ++i) {
    const bool own = i < per_worker.size() && !address->is_unix();
    for (size_t worker = own ? i : 0; worker < (own ? i + 1 : per_worker.size()); ++worker) {
      auto socket = (*sockets)[i]->share();
      if (!socket) return fail(socket.error());
      per_worker[worker].push_back(listener_on(std::move(*socket), options));
    }
  }
  bound_.push_back(
      {options.role, options.address, sockets->front()->address().port(), options.ssl});
  return {};
}

WorkerListener RunningGateway::listener_on(std::unique_ptr<net::Listener> socket,
                                           const ListenerOptions& options) {
  WorkerListener listener;
  const net::SocketAddress& address = socket->address();
  if (!address.is_unix()) {
    const auto& maps = shared_.options.port_maps;
    const auto mapped = maps.find(address.port());
    listener.port_text = std::to_string(mapped != maps.end() ? mapped->second : address.port());
  }
  listener.socket = std::move(socket);
  listener.role = options.role;
  listener.http2 = options.http2;
  listener.proxy_protocol = options.proxy_protocol;
  if (options.ssl) listener.tls = tls_[options.role];
  return listener;
}

void RunningGateway::subscribe(runtime::Publisher& publisher) {
  publisher.subscribe([workers = std::weak_ptr<Workers>(workers_), board = shared_.options.health](
                          const std::shared_ptr<const runtime::Snapshot>& snapshot) {
    const auto alive = workers.lock();
    if (alive == nullptr) return false;
    configure_board(*board, *snapshot);
    for (const auto& worker : *alive) worker->post_snapshot(snapshot);
    return true;
  });
}

bool RunningGateway::drain(Milliseconds within, Milliseconds idle) {
  close_spare_sockets();
  struct Waiting {
    std::mutex mutex;
    std::condition_variable changed;
    size_t left;
  };
  auto waiting = std::make_shared<Waiting>();
  waiting->left = workers_->size();
  for (const auto& worker : *workers_) {
    worker->post_drain(idle, [waiting] {
      std::lock_guard lock(waiting->mutex);
      --waiting->left;
      waiting->changed.notify_all();
    });
  }
  bool drained = false;
  {
    std::unique_lock lock(waiting->mutex);
    drained = waiting->changed.wait_for(lock, within, [&] { return waiting->left == 0; });
  }
  stop();
  return drained;
}

void RunningGateway::close_spare_sockets() {
  std::lock_guard lock(stopping_);
  sockets_.close();
}

void RunningGateway::shorten_drain(Milliseconds idle) {
  for (const auto& worker : *workers_) worker->post_shorten_drain(idle);
}

// A drain that ends and a stop may come at once; a thread is joined by one of them.
void RunningGateway::stop() {
  close_spare_sockets();
  std::lock_guard lock(stopping_);
  for (const auto& worker : *workers_) worker->stop();
}

Counters RunningGateway::counters() const {
  Counters sum;
  sum.has_streams = std::ranges::any_of(shared_.options.listeners, [](const auto& listener) {
    return listener.role == Role::stream;
  });
  for (const auto& worker : *workers_) {
    const WorkerCounters& counters = worker->counters();
    sum.connections_accepted += counters.accepted.get();
    sum.connections_handled += counters.handled.get();
    sum.connections_active += counters.active.get();
    sum.connections_reading += counters.reading.get();
    sum.connections_writing += counters.writing.get();
    sum.connections_waiting += counters.waiting.get();
    sum.total_requests += counters.requests.get();
    sum.stream_connections += counters.stream_connections.get();
    sum.stream_active += counters.stream_active.get();
    sum.udp_sessions += counters.udp_sessions.get();
    sum.udp_active += counters.udp_active.get();
    sum.stream_received += counters.stream_received.get();
    sum.stream_sent += counters.stream_sent.get();
  }
  return sum;
}

uint64_t RunningGateway::snapshot_version() const {
  uint64_t least = ~uint64_t{0};
  for (const auto& worker : *workers_) least = std::min(least, worker->snapshot_version());
  return least;
}

void RunningGateway::reopen_logs() {
  if (access_log_ != nullptr) access_log_->reopen();
  if (stream_access_log_ != nullptr) stream_access_log_->reopen();
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::start(Options options, runtime::Publisher& publisher,
                                                const Gateway* former) {
  auto gateway = std::make_unique<RunningGateway>(std::move(options));
  gateway->share_sockets_of(former);
  if (auto started = gateway->start(publisher); !started) return fail(started.error());
  gateway->share_sockets_of(nullptr);
  gateway->subscribe(publisher);
  return std::unique_ptr<Gateway>(std::move(gateway));
}

}  // namespace sallyport::proxy
