#include "net/dns_channel.h"

#include <algorithm>
#include <mutex>

#include <ares.h>
#include <poll.h>

#include "base/text.h"
#include "net/backend.h"
#include "net/loop.h"

namespace sallyport::net {
namespace {

constexpr int kTimeoutMs = 2'000;  // of the first try; c-ares doubles it
constexpr int kTries = 3;
constexpr int kSrv = 33;
constexpr int kInternet = 1;

// c-ares wants one initialisation per process.
bool init_library() {
  static std::once_flag once;
  static int status = ARES_ENOTINITIALIZED;
  std::call_once(once, [] { status = ares_library_init(ARES_LIB_INIT_ALL); });
  return status == ARES_SUCCESS;
}

DnsReply::Status status_of(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return DnsReply::Status::found;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return DnsReply::Status::absent;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
      return DnsReply::Status::cancelled;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
      return DnsReply::Status::unreachable;
    default:
      return DnsReply::Status::failed;
  }
}

void set_status(DnsReply& reply, int status) {
  reply.status = status_of(status);
  if (status != ARES_SUCCESS) reply.error = ares_strerror(status);
}

}  // namespace

struct DnsChannel::Socket {
  DnsChannel* channel;
  int fd;
  FdWatch* watch;
};

DnsChannel::DnsChannel(Loop& loop)
    : loop_(loop), timer_([](void* self) { static_cast<DnsChannel*>(self)->on_timer(); }, this) {}

Result<std::unique_ptr<DnsChannel>> DnsChannel::open(Loop& loop,
                                                     const std::vector<std::string>& servers) {
  if (!init_library()) return fail("net.resolver", Side::internal, "c-ares does not initialise");
  std::unique_ptr<DnsChannel> made(new DnsChannel(loop));
  ares_options options{};
  char lookups[] = "b";  // DNS only: the hosts file is ours
  options.lookups = lookups;
  options.timeout = kTimeoutMs;
  options.tries = kTries;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int read, int write) {
    static_cast<DnsChannel*>(self)->on_socket(fd, read != 0, write != 0);
  };
  options.sock_state_cb_data = made.get();
  int status = ares_init_options(
      &made->channel_, &options,
      ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status == ARES_SUCCESS && !servers.empty()) {
    const std::string list = text::join(servers, ",");
    status = ares_set_servers_ports_csv(made->channel_, list.c_str());
  }
  if (status == ARES_SUCCESS) return made;
  return fail("net.resolver", Side::config,
              std::string("the DNS client does not start: ") + ares_strerror(status),
              "check dns_resolver and /etc/resolv.conf");
}

DnsChannel::~DnsChannel() {
  cancelled_ = true;
  if (channel_ != nullptr) ares_destroy(channel_);
  loop_.timers().cancel(timer_);
  for (auto& [fd, socket] : sockets_) loop_.backend().unwatch(socket->watch);
}

void DnsChannel::cancel() {
  cancelled_ = true;
  ares_cancel(channel_);
}

void DnsChannel::start(Question& question) {
  if (cancelled_) {
    set_status(question.reply, ARES_ECANCELLED);
    return question.finish();
  }
  if (question.type == RecordType::srv) {
    ares_search(channel_, question.name.c_str(), kInternet, kSrv, &DnsChannel::on_message,
                &question);
  } else {
    ares_addrinfo_hints hints{};
    hints.ai_family = question.type == RecordType::aaaa ? AF_INET6 : AF_INET;
    hints.ai_flags = ARES_AI_NOSORT;
    ares_getaddrinfo(channel_, question.name.c_str(), nullptr, &hints, &DnsChannel::on_addresses,
                     &question);
  }
  schedule();
}

void DnsChannel::on_addresses(void* asked, int status, int, ares_addrinfo* found) {
  auto& question = *static_cast<Question*>(asked);
  DnsReply& reply = question.reply;
  set_status(reply, status);
  reply.ttl_s = ~uint32_t{0};
  for (auto* node = found != nullptr ? found->nodes : nullptr; node != nullptr;
       node = node->ai_next) {
    const auto ip = SocketAddress::from(node->ai_addr, node->ai_addrlen).ip();
    if (!ip) continue;
    reply.addresses.push_back(*ip);
    reply.ttl_s = std::min(reply.ttl_s, static_cast<uint32_t>(std::max(node->ai_ttl, 0)));
  }
  if (found != nullptr) ares_freeaddrinfo(found);
  if (status == ARES_SUCCESS && reply.addresses.empty()) reply.status = DnsReply::Status::absent;
  question.finish();
}

void DnsChannel::on_message(void* asked, int status, int, unsigned char* bytes, int size) {
  auto& question = *static_cast<Question*>(asked);
  DnsReply& reply = question.reply;
  set_status(reply, status);
  if (status == ARES_SUCCESS) {
    auto records = read_srv_answer(
        {reinterpret_cast<const char*>(bytes), static_cast<size_t>(std::max(size, 0))});
    if (!records) {
      reply.status = DnsReply::Status::failed;
      reply.error = "the name server's answer is broken";
    } else if (records->empty()) {
      reply.status = DnsReply::Status::absent;
    } else {
      reply.services = std::move(*records);
      reply.ttl_s = std::ranges::min_element(reply.services, {}, &SrvRecord::ttl_s)->ttl_s;
    }
  }
  question.finish();
}

void DnsChannel::on_socket(int fd, bool read, bool write) {
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
        self->channel->on_ready(self->fd, ready);
      },
      socket.get());
  sockets_.emplace(fd, std::move(socket));
}

void DnsChannel::on_ready(int fd, uint32_t events) {
  const bool read = (events & (POLLIN | POLLERR | POLLHUP)) != 0;
  const bool write = (events & POLLOUT) != 0;
  ares_process_fd(channel_, read ? fd : ARES_SOCKET_BAD, write ? fd : ARES_SOCKET_BAD);
  schedule();
}

void DnsChannel::schedule() {
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

void DnsChannel::on_timer() {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  schedule();
}

}  // namespace sallyport::net
