#include "doctor/probe.h"

#include <functional>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sallyport::doctor {
namespace {

// Accepts one connection on loopback and runs `behaviour` with it.
class Listener {
 public:
  explicit Listener(std::function<void(int)> behaviour) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_, 1);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, behaviour = std::move(behaviour)] {
      int client = accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      behaviour(client);
      close(client);
    });
  }
  ~Listener() {
    shutdown(listener_, SHUT_RDWR);
    close(listener_);
  }
  uint16_t port() const { return port_; }

 private:
  int listener_;
  uint16_t port_ = 0;
  std::jthread thread_;
};

Probe look(uint16_t port, Milliseconds limit = Milliseconds(3000)) {
  return probe({"db.test", "127.0.0.1", port}, {.deadline = Clock::now() + limit});
}

std::string read_request(int client) {
  std::string request(8, '\0');
  recv(client, request.data(), request.size(), MSG_WAITALL);
  return request;
}

void answer(int client, std::string_view bytes) {
  read_request(client);
  send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

TEST(Probe, SendsTheRequestAndNothingElse) {
  std::string request;
  std::string rest;
  {
    Listener server([&](int client) {
      request = read_request(client);
      send(client, "N", 1, MSG_NOSIGNAL);
      char buffer[64];
      ssize_t n = recv(client, buffer, sizeof buffer, 0);
      if (n > 0) rest.assign(buffer, static_cast<size_t>(n));
    });
    Probe seen = look(server.port());
    EXPECT_EQ(seen.reach, Reach::connected);
    EXPECT_EQ(seen.answer, SslAnswer::no);
  }
  EXPECT_EQ(request, std::string("\0\0\0\x08\x04\xd2\x16\x2f", 8));
  EXPECT_EQ(rest, "");
}

TEST(Probe, KnowsAnErrorAnswer) {
  Listener server([](int client) { answer(client, "Esorry, too many clients already"); });
  EXPECT_EQ(look(server.port()).answer, SslAnswer::error);
}

TEST(Probe, KeepsTheBytesOfAnotherServer) {
  Listener server([](int client) { answer(client, "HTTP/1.1 400 Bad Request\r\n\r\n"); });
  Probe seen = look(server.port());
  EXPECT_EQ(seen.answer, SslAnswer::other);
  EXPECT_TRUE(seen.answer_bytes.starts_with("HTTP/1.1 400"));
}

TEST(Probe, StopsAtBytesBehindTheAnswer) {
  Listener server([](int client) { answer(client, "SR"); });
  Probe seen = look(server.port());
  EXPECT_TRUE(seen.injected);
  EXPECT_EQ(seen.reach, Reach::answered);
  EXPECT_EQ(seen.tls_error, "");
}

TEST(Probe, SaysThatTheServerHungUp) {
  Listener server([](int client) { read_request(client); });
  Probe seen = look(server.port());
  EXPECT_EQ(seen.answer, SslAnswer::none);
  EXPECT_EQ(seen.stop, Stop::closed);
}

TEST(Probe, NamesWhatIsNoTls) {
  Listener server([](int client) {
    answer(client, "S");
    char buffer[1024];
    recv(client, buffer, sizeof buffer, 0);
    send(client, "certainly not a TLS record", 26, MSG_NOSIGNAL);
  });
  Probe seen = look(server.port());
  EXPECT_EQ(seen.reach, Reach::answered);
  EXPECT_TRUE(seen.tls_error.contains("wrong version number") ||
              seen.tls_error.contains("packet length"))
      << seen.tls_error;
}

TEST(Probe, WaitsNoLongerThanItsDeadline) {
  Listener server([](int client) {
    char buffer[64];
    while (recv(client, buffer, sizeof buffer, 0) > 0) {
    }
  });
  auto start = Clock::now();
  Probe seen = look(server.port(), Milliseconds(200));
  EXPECT_EQ(seen.stop, Stop::timeout);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(2));
}

TEST(Probe, NamesAClosedPort) {
  uint16_t port = Listener([](int) {}).port();
  Probe seen = look(port);
  EXPECT_EQ(seen.reach, Reach::nothing);
  EXPECT_EQ(seen.stop, Stop::refused);
  EXPECT_EQ(seen.system_error, "Connection refused");
}

TEST(Printable, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[31m\n\xff"), "a\\x1b[31m\\x0a\\xff");
}

}  // namespace
}  // namespace sallyport::doctor
