#include "postgres/host_resolver.h"

#include <algorithm>
#include <memory>
#include <span>

#include <ares.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>

#include "base/file.h"
#include "base/text.h"

namespace sallyport::postgres {
namespace {

struct ChannelFree {
  void operator()(ares_channeldata* channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, ChannelFree>;

struct Answer {
  bool done = false;
  int status = ARES_SUCCESS;
  std::vector<std::string> addresses;
};

void add_once(std::vector<std::string>& addresses, const std::string& address) {
  if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
}

void on_answer(void* argument, int status, int /*timeouts*/, ares_addrinfo* result) {
  auto& answer = *static_cast<Answer*>(argument);
  answer.done = true;
  answer.status = status;
  for (ares_addrinfo_node* node = result ? result->nodes : nullptr; node != nullptr;
       node = node->ai_next) {
    char text[INET6_ADDRSTRLEN] = "";
    if (node->ai_family == AF_INET) {
      auto* address = reinterpret_cast<sockaddr_in*>(node->ai_addr);
      inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
    } else if (node->ai_family == AF_INET6) {
      auto* address = reinterpret_cast<sockaddr_in6*>(node->ai_addr);
      inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof text);
    }
    if (*text != '\0') add_once(answer.addresses, text);
  }
  ares_freeaddrinfo(result);
}

std::unexpected<Error> no_address(const std::string& host, std::string_view why) {
  return fail("link.name", Side::config,
              fmt::format("could not translate host name \"{}\" to address: {}", host, why),
              "Check pg_host, dns_hostsfile and dns_resolver", Retry::other_target);
}

Result<Channel> open_channel(const std::string& host, const ResolverSettings& settings) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) return no_address(host, ares_strerror(library));
  ares_options options{};
  char dns_only[] = "b";  // the hosts file was ours to read
  options.lookups = dns_only;
  options.timeout = 1000;
  options.tries = 3;
  ares_channel raw = nullptr;
  int status =
      ares_init_options(&raw, &options, ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  if (status != ARES_SUCCESS) return no_address(host, ares_strerror(status));
  Channel channel(raw);
  if (!settings.resolvers.empty()) {
    std::string servers = text::join(settings.resolvers, ",");
    status = ares_set_servers_ports_csv(channel.get(), servers.c_str());
    if (status != ARES_SUCCESS) {
      return no_address(host, fmt::format("dns_resolver: {}", ares_strerror(status)));
    }
  }
  return channel;
}

// One round: waits for a socket of the channel, or for c-ares' own timer, or for the deadline.
void drive(ares_channeldata* channel, TimePoint deadline) {
  ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
  int mask = ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
  pollfd waits[ARES_GETSOCK_MAXNUM];
  nfds_t count = 0;
  for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    short events = 0;
    if (ARES_GETSOCK_READABLE(mask, i)) events |= POLLIN;
    if (ARES_GETSOCK_WRITABLE(mask, i)) events |= POLLOUT;
    if (events != 0) waits[count++] = {sockets[i], events, 0};
  }
  int limit = static_cast<int>(std::min<int64_t>(remaining(deadline).count(), 60'000));
  timeval most{limit / 1000, (limit % 1000) * 1000};
  timeval own{};
  timeval* next = ares_timeout(channel, &most, &own);
  int wait = static_cast<int>(next->tv_sec * 1000 + next->tv_usec / 1000) + 1;
  poll(waits, count, std::min(wait, limit));
  for (pollfd& socket : std::span(waits, count)) {
    if (socket.revents == 0) continue;
    ares_process_fd(channel, (socket.revents & ~POLLOUT) ? socket.fd : ARES_SOCKET_BAD,
                    (socket.revents & POLLOUT) ? socket.fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // its timers
}

Result<std::vector<std::string>> ask_dns(const std::string& host, const ResolverSettings& settings,
                                         TimePoint deadline) {
  auto channel = open_channel(host, settings);
  if (!channel) return fail(channel.error());
  Answer answer;
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel->get(), host.c_str(), nullptr, &hints, on_answer, &answer);
  while (!answer.done && remaining(deadline).count() > 0) drive(channel->get(), deadline);
  if (!answer.done) {
    channel->reset();  // calls on_answer, while `answer` lives
    return fail("link.timeout", Side::database,
                fmt::format("could not translate host name \"{}\" to address: timeout expired, no "
                            "DNS server answered",
                            host),
                "Check dns_resolver and /etc/resolv.conf", Retry::other_target);
  }
  if (answer.status != ARES_SUCCESS) return no_address(host, ares_strerror(answer.status));
  if (answer.addresses.empty()) return no_address(host, "it has neither an A nor an AAAA record");
  return std::move(answer.addresses);
}

// RFC 6761 6.3: never a question for DNS.
bool is_localhost(std::string_view host) {
  std::string name = text::lower(host);
  return name == "localhost" || name.ends_with(".localhost");
}

}  // namespace

bool is_literal_address(const std::string& host) {
  unsigned char bytes[16];
  std::string address = host.substr(0, host.find('%'));
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, address.c_str(), bytes) == 1;
}

std::vector<std::string> addresses_in_hosts_file(std::string_view content, std::string_view host) {
  std::vector<std::string> addresses;
  for (std::string_view line : text::split(content, '\n')) {
    line = line.substr(0, line.find('#'));
    std::string address;
    bool named = false;
    while (!line.empty()) {
      size_t start = line.find_first_not_of(" \t\r");
      if (start == std::string_view::npos) break;
      size_t end = std::min(line.find_first_of(" \t\r", start), line.size());
      std::string_view word = line.substr(start, end - start);
      line.remove_prefix(end);
      if (address.empty()) {
        address = word;
      } else {
        named = named || text::equals_ignore_case(word, host);
      }
    }
    if (named && is_literal_address(address)) add_once(addresses, address);
  }
  return addresses;
}

Result<ResolvedHost> resolve_host(const std::string& host, const ResolverSettings& settings,
                                  TimePoint deadline) {
  if (is_literal_address(host)) return ResolvedHost{{host}, false};
  if (!settings.hosts_file.empty()) {
    // A missing hosts file is no fault: containers often have none.
    if (auto content = read_file(settings.hosts_file)) {
      auto addresses = addresses_in_hosts_file(*content, host);
      if (!addresses.empty()) return ResolvedHost{std::move(addresses), true};
    }
  }
  if (is_localhost(host)) return ResolvedHost{{"127.0.0.1", "::1"}, false};
  auto addresses = ask_dns(host, settings, deadline);
  if (!addresses) return fail(addresses.error());
  return ResolvedHost{std::move(*addresses), false};
}

}  // namespace sallyport::postgres
