#include "net/resolver.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include <ares.h>
#include <poll.h>

#include "base/text.h"
#include "net/backend.h"
#include "net/loop.h"

namespace sallyport::net {
namespace {

constexpr int kTimeoutMs = 2'000;  // of the first try; c-ares doubles it
constexpr int kTries = 3;

// c-ares wants one initialisation per process.
bool init_library() {
  static std::once_flag once;
  static int status = ARES_ENOTINITIALIZED;
  std::call_once(once, [] { status = ares_library_init(ARES_LIB_INIT_ALL); });
  return status == ARES_SUCCESS;
}

}  // namespace

struct Resolver::Query {
  Resolver* resolver;
  std::string name;
};

struct Resolver::Socket {
  Resolver* resolver;
  int fd;
  FdWatch* watch;
};

Resolver::Resolver(Loop& loop, Config config)
    : loop_(loop),
      config_(std::move(config)),
      hosts_(HostsFile::read(config_.hosts_file)),
      timer_([](void* self) { static_cast<Resolver*>(self)->on_timer(); }, this) {}

Result<std::unique_ptr<Resolver>> Resolver::create(Loop& loop, Config config) {
  std::unique_ptr<Resolver> resolver(new Resolver(loop, std::move(config)));
  if (auto opened = resolver->open_channel(); !opened) return fail(opened.error());
  return resolver;
}

Result<void> Resolver::open_channel() {
  if (!init_library()) return fail("net.resolver", Side::internal, "c-ares does not initialise");
  ares_options options{};
  char lookups[] = "b";  // DNS only: the hosts file is ours
  options.lookups = lookups;
  options.timeout = kTimeoutMs;
  options.tries = kTries;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int read, int write) {
    static_cast<Resolver*>(self)->on_socket(fd, read != 0, write != 0);
  };
  options.sock_state_cb_data = this;
  int status = ares_init_options(
      &channel_, &options,
      ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status == ARES_SUCCESS && !config_.servers.empty()) {
    std::string list = text::join(config_.servers, ",");
    status = ares_set_servers_ports_csv(channel_, list.c_str());
  }
  if (status == ARES_SUCCESS) return {};
  return fail("net.resolver", Side::config,
              std::string("the DNS client does not start: ") + ares_strerror(status),
              "check dns_resolver and /etc/resolv.conf");
}

Resolver::~Resolver() {
  if (channel_ != nullptr) ares_destroy(channel_);
  loop_.timers().cancel(timer_);
  for (auto& [fd, socket] : sockets_) loop_.backend().unwatch(socket->watch);
}

void Resolver::cancel() {
  if (channel_ != nullptr) ares_cancel(channel_);
}

Resolver::Entry& Resolver::look_up(std::string_view name) {
  const std::string key = text::lower(name);
  auto found = cache_.find(key);
  if (found == cache_.end()) {
    make_room();
    found = cache_.try_emplace(key).first;
  }
  Entry& entry = found->second;
  if (entry.asking || entry.answer.valid_until > loop_.now()) return entry;
  if (entry.stale_until <= loop_.now()) entry.answer.addresses.clear();
  if (const auto addresses = hosts_.find(key); !addresses.empty()) {
    entry.answer.addresses.assign(addresses.begin(), addresses.end());
    entry.answer.valid_until = ~uint64_t{0};
    return entry;
  }
  entry.asking = true;
  entry.ipv6 = false;
  ask(found->first, entry);
  return entry;
}

// IPv4 first and IPv6 only where there is none: the default `dns_order` asks for A records.
void Resolver::ask(const std::string& name, Entry& entry) {
  ares_addrinfo_hints hints{};
  hints.ai_family = entry.ipv6 ? AF_INET6 : AF_INET;
  hints.ai_flags = ARES_AI_NOSORT;
  auto* query = new Query{this, name};
  ares_getaddrinfo(
      channel_, name.c_str(), nullptr, &hints,
      [](void* arg, int status, int, ares_addrinfo* result) {
        std::unique_ptr<Query> asked(static_cast<Query*>(arg));
        if (status != ARES_EDESTRUCTION) {
          asked->resolver->on_answer(asked->name, status, result);
        }
        if (result != nullptr) ares_freeaddrinfo(result);
      },
      query);
  schedule();
}

void Resolver::on_answer(const std::string& name, int status, ares_addrinfo* found) {
  auto cached = cache_.find(name);
  if (cached == cache_.end()) return;
  Entry& entry = cached->second;
  std::vector<IpAddress> addresses;
  uint64_t ttl = ~uint64_t{0};
  for (auto* node = found != nullptr ? found->nodes : nullptr; node != nullptr;
       node = node->ai_next) {
    if (auto ip = SocketAddress::from(node->ai_addr, node->ai_addrlen).ip()) {
      addresses.push_back(*ip);
      ttl = std::min<uint64_t>(ttl, static_cast<uint64_t>(std::max(node->ai_ttl, 1)) * 1'000);
    }
  }
  Answer& answer = entry.answer;
  if (!addresses.empty()) {
    answer = {std::move(addresses), loop_.now() + ttl, ""};
    entry.stale_until = answer.valid_until + config_.stale_ttl_ms;
    return settle(entry);
  }
  const bool absent = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_SUCCESS;
  if (absent && !entry.ipv6) {
    entry.ipv6 = true;
    return ask(name, entry);
  }
  const uint64_t now = loop_.now();
  if (!absent && !answer.addresses.empty() && entry.stale_until > now) {
    // DNS is down: the old answer serves on, and DNS is asked again in a moment.
    answer.valid_until = now + config_.error_ttl_ms;
    return settle(entry);
  }
  answer.addresses.clear();
  answer.error = absent ? "no such name" : ares_strerror(status);
  answer.valid_until = now + (absent ? config_.not_found_ttl_ms : config_.error_ttl_ms);
  settle(entry);
}

void Resolver::settle(Entry& entry) {
  entry.asking = false;
  std::vector<std::coroutine_handle<>> waiting;
  waiting.swap(entry.waiting);
  for (auto handle : waiting) handle.resume();
}

void Resolver::make_room() {
  if (cache_.size() < config_.cache_size) return;
  const uint64_t now = loop_.now();
  std::erase_if(cache_, [now](const auto& item) {
    return !item.second.asking && item.second.answer.valid_until <= now;
  });
}

void Resolver::on_socket(int fd, bool read, bool write) {
  auto found = sockets_.find(fd);
  if (found != sockets_.end()) {
    loop_.backend().unwatch(found->second->watch);
    sockets_.erase(found);
  }
  if (!read && !write) return;
  auto socket = std::make_unique<Socket>(Socket{this, fd, nullptr});
  const uint32_t events = (read ? POLLIN : 0U) | (write ? POLLOUT : 0U);
  socket->watch = loop_.backend().watch(
      fd, events,
      [](void* owner, uint32_t ready) {
        auto* self = static_cast<Socket*>(owner);
        self->resolver->on_ready(self->fd, ready);
      },
      socket.get());
  sockets_.emplace(fd, std::move(socket));
}

void Resolver::on_ready(int fd, uint32_t events) {
  const bool read = (events & (POLLIN | POLLERR | POLLHUP)) != 0;
  const bool write = (events & POLLOUT) != 0;
  ares_process_fd(channel_, read ? fd : ARES_SOCKET_BAD, write ? fd : ARES_SOCKET_BAD);
  schedule();
}

void Resolver::schedule() {
  timeval time{};
  const timeval* next = ares_timeout(channel_, nullptr, &time);
  if (next == nullptr) {
    loop_.timers().cancel(timer_);
    return;
  }
  const auto wait = static_cast<uint64_t>(next->tv_sec) * 1'000 +
                    static_cast<uint64_t>(next->tv_usec) / 1'000 + 1;
  loop_.timers().schedule(timer_, loop_.now() + wait);
}

void Resolver::on_timer() {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  schedule();
}

}  // namespace sallyport::net
