// Both ends of a benchmark, cheap enough not to be what is measured: one io_uring thread each.
//
//   wire upstream PORT                         answers /BYTES (k, m) with as many bytes, and
//   /chunked wire load PORT CONNECTIONS SECONDS PATH    keep-alive, one request in flight per
//   connection
//
// `load` prints one JSON object. Loopback only; both end by themselves or on SIGTERM.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kReceive = 64 << 10;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct Ring {
  // Deferred: what arrives must not interrupt this thread while it runs, at the expense of whoever
  // sent it. No server or client of epoll has that done to it.
  Ring() {
    const unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (io_uring_queue_init(4096, &ring, flags) != 0) die("io_uring_queue_init");
  }
  io_uring_sqe* get(uint64_t tag) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring);
    if (entry == nullptr) {
      io_uring_submit(&ring);
      entry = io_uring_get_sqe(&ring);
    }
    io_uring_sqe_set_data64(entry, tag);
    return entry;
  }
  io_uring ring;
};

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void no_delay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// --- upstream ------------------------------------------------------------------------------------

std::string answer_for(std::string_view path) {
  if (path.starts_with("/chunked")) {
    std::string body =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 4; ++i) body += "100\r\n" + std::string(256, 'c') + "\r\n";
    return body + "0\r\n\r\n";
  }
  size_t size = 1024;
  if (path.size() > 1) {
    char* end = nullptr;
    std::string digits(path.substr(1));
    size = std::strtoul(digits.c_str(), &end, 10);
    if (*end == 'k') size <<= 10;
    if (*end == 'm') size <<= 20;
  }
  return "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: " +
         std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
}

struct Served {
  int fd = -1;
  std::string in;
  std::string path;
  std::string out;
  size_t sent = 0;
  char buffer[16 << 10];
};

void receive(Ring& ring, Served* served, uint64_t tag) {
  io_uring_prep_recv(ring.get(tag), served->fd, served->buffer, sizeof served->buffer, 0);
}
void send_rest(Ring& ring, Served* served, uint64_t tag) {
  io_uring_prep_send(ring.get(tag | 1), served->fd, served->out.data() + served->sent,
                     served->out.size() - served->sent, MSG_NOSIGNAL);
}

// Skips one request (with a length body when it has one); false while it is not whole.
bool take_request(Served& served) {
  size_t end = served.in.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  size_t length = 0;
  size_t field = served.in.find("ontent-Length: ");
  if (field != std::string::npos && field < end)
    length = std::strtoul(&served.in[field + 15], nullptr, 10);
  if (served.in.size() < end + 4 + length) return false;
  size_t begin = served.in.find(' ') + 1;
  std::string path = served.in.substr(begin, served.in.find_first_of(" ?", begin) - begin);
  if (path != served.path) {
    served.path = path;
    served.out = answer_for(path);
  }
  served.in.erase(0, end + 4 + length);
  return true;
}

int upstream(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = loopback(port);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (listen(listener, 4096) != 0) die("listen");
  Ring ring;
  io_uring_prep_multishot_accept(ring.get(0), listener, nullptr, nullptr, 0);
  for (;;) {
    io_uring_submit_and_wait(&ring.ring, 1);
    io_uring_cqe* entry;
    unsigned head;
    unsigned seen = 0;
    io_uring_for_each_cqe(&ring.ring, head, entry) {
      ++seen;
      uint64_t tag = entry->user_data;
      if (tag == 0) {
        if (entry->res < 0) die("accept");
        auto* served = new Served;
        served->fd = entry->res;
        no_delay(served->fd);
        receive(ring, served, reinterpret_cast<uint64_t>(served));
        continue;
      }
      auto* served = reinterpret_cast<Served*>(tag & ~uint64_t{1});
      uint64_t own = reinterpret_cast<uint64_t>(served);
      if (entry->res <= 0) {
        close(served->fd);
        delete served;
        continue;
      }
      if (tag & 1) {
        served->sent += static_cast<size_t>(entry->res);
        if (served->sent < served->out.size()) {
          send_rest(ring, served, own);
          continue;
        }
      } else {
        served->in.append(served->buffer, static_cast<size_t>(entry->res));
      }
      if (take_request(*served)) {
        served->sent = 0;
        send_rest(ring, served, own);
      } else {
        receive(ring, served, own);
      }
    }
    io_uring_cq_advance(&ring.ring, seen);
  }
}

// --- load ----------------------------------------------------------------------------------------

struct Client {
  int fd = -1;
  Clock::time_point sent_at;
  std::string head;  // until the blank line is there
  size_t left = 0;   // body bytes to come
  bool in_body = false;
  bool chunked = false;
  bool closes = false;  // "Connection: close": not another request on this one
  std::string tail;     // last five bytes of a chunked body
  char buffer[kReceive];
};

struct Totals {
  uint64_t requests = 0;
  uint64_t errors = 0;
  uint64_t bytes = 0;
  std::vector<uint32_t> micros;
};

void begin_body(Client& client, size_t head_size, std::string_view all) {
  client.in_body = true;
  client.chunked = client.head.find("chunked") != std::string::npos;
  client.closes = client.head.find("onnection: close") != std::string::npos;
  size_t field = client.head.find("ontent-Length: ");
  if (field == std::string::npos) field = client.head.find("ontent-length: ");
  if (!client.chunked && field != std::string::npos) {
    client.left = std::strtoul(&client.head[field + 15], nullptr, 10);
  }
  std::string_view body = all.substr(head_size);
  client.left -= std::min(client.left, body.size());
  client.tail = body.substr(body.size() - std::min<size_t>(5, body.size()));
}

// True when the answer is complete.
bool take_answer(Client& client, std::string_view bytes, Totals& totals) {
  if (!client.in_body) {
    client.head.append(bytes);
    size_t end = client.head.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    if (client.head.compare(9, 1, "2") != 0) ++totals.errors;
    std::string all = client.head;
    client.head.resize(end + 4);
    begin_body(client, end + 4, all);
  } else if (client.chunked) {
    client.tail.append(bytes);
    client.tail.erase(0, client.tail.size() - std::min<size_t>(5, client.tail.size()));
  } else {
    client.left -= std::min(client.left, bytes.size());
  }
  return client.chunked ? client.tail == "0\r\n\r\n" : client.left == 0;
}

int open_client(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("connect");
  no_delay(fd);
  return fd;
}

void report(Totals& totals, double seconds) {
  std::sort(totals.micros.begin(), totals.micros.end());
  auto at = [&](double share) -> unsigned {
    if (totals.micros.empty()) return 0;
    return totals
        .micros[static_cast<size_t>(share * static_cast<double>(totals.micros.size() - 1))];
  };
  std::printf(
      "{\"requests\":%llu,\"seconds\":%.3f,\"errors\":%llu,\"bytes\":%llu,\"p50_us\":%u,"
      "\"p99_us\":%u}\n",
      static_cast<unsigned long long>(totals.requests), seconds,
      static_cast<unsigned long long>(totals.errors), static_cast<unsigned long long>(totals.bytes),
      at(0.5), at(0.99));
}

int load(int port, int connections, double seconds, const std::string& path) {
  // What a browser behind a login sends: the same for every peer.
  const std::string request =
      "GET " + path +
      " HTTP/1.1\r\nHost: api.example.com\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
      "Accept: application/json, text/plain, */*\r\nAccept-Encoding: gzip, deflate, br\r\n"
      "Authorization: Bearer 3f2a9c5d7e8b4a6f9c1d2e3f4a5b6c7d\r\n"
      "Cookie: session=6d1f3a5b7c9e2d4f; theme=dark\r\n\r\n";
  Ring ring;
  std::vector<std::unique_ptr<Client>> clients;
  auto send_request = [&](Client& client, uint64_t index) {
    client.head.clear();
    client.in_body = false;
    client.left = 0;
    client.sent_at = Clock::now();
    io_uring_prep_send(ring.get(index << 1 | 1), client.fd, request.data(), request.size(),
                       MSG_NOSIGNAL);
    io_uring_prep_recv(ring.get(index << 1), client.fd, client.buffer, sizeof client.buffer, 0);
  };
  for (int i = 0; i < connections; ++i) {
    clients.push_back(std::make_unique<Client>());
    clients.back()->fd = open_client(port);
    send_request(*clients.back(), static_cast<uint64_t>(i));
  }
  Totals totals;
  totals.micros.reserve(1 << 22);
  auto begin = Clock::now();
  auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  while (Clock::now() < end) {
    __kernel_timespec wait = {.tv_sec = 0, .tv_nsec = 100'000'000};
    io_uring_cqe* entry = nullptr;
    io_uring_submit_and_wait_timeout(&ring.ring, &entry, 1, &wait, nullptr);
    unsigned head;
    unsigned seen = 0;
    io_uring_for_each_cqe(&ring.ring, head, entry) {
      ++seen;
      if (entry->user_data & 1) continue;
      uint64_t index = entry->user_data >> 1;
      if (index >= clients.size()) continue;
      Client& client = *clients[index];
      if (entry->res <= 0) {
        ++totals.errors;
        close(client.fd);
        client.fd = open_client(port);
        send_request(client, index);
        continue;
      }
      totals.bytes += static_cast<uint64_t>(entry->res);
      if (take_answer(client, {client.buffer, static_cast<size_t>(entry->res)}, totals)) {
        ++totals.requests;
        auto took =
            std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - client.sent_at);
        totals.micros.push_back(static_cast<uint32_t>(took.count()));
        if (client.closes) {
          close(client.fd);
          client.fd = open_client(port);
        }
        send_request(client, index);
      } else {
        io_uring_prep_recv(ring.get(index << 1), client.fd, client.buffer, sizeof client.buffer, 0);
      }
    }
    io_uring_cq_advance(&ring.ring, seen);
  }
  report(totals, std::chrono::duration<double>(Clock::now() - begin).count());
  return totals.requests == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "upstream") return upstream(std::atoi(argv[2]));
  if (argc == 6 && std::string_view(argv[1]) == "load") {
    return load(std::atoi(argv[2]), std::atoi(argv[3]), std::atof(argv[4]), argv[5]);
  }
  std::fprintf(stderr, "wire upstream PORT | wire load PORT CONNECTIONS SECONDS PATH\n");
  return 2;
}
