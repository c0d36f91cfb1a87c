#include "app/loopback_client.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "http/h1_reader.h"

namespace sallyport::app {
namespace {

class Socket {
 public:
  Socket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::string text_of(const http::BufferedRequest& request, uint16_t port) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
  bool has_host = false;
  for (const auto& [name, value] : request.headers) {
    text += fmt::format("{}: {}\r\n", name, value);
    has_host |= name == "Host";
  }
  if (!has_host) text += fmt::format("Host: 127.0.0.1:{}\r\n", port);
  return text + fmt::format("Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                            request.body.size(), request.body);
}

Result<std::string> exchange(const Socket& socket, uint16_t port, std::string_view text) {
  sockaddr_in address = loopback(port);
  if (connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return fail("client.connect", Side::config,
                fmt::format("cannot reach 127.0.0.1:{}: {}", port, errno_text(errno)));
  }
  while (!text.empty()) {
    ssize_t n = send(socket.fd(), text.data(), text.size(), MSG_NOSIGNAL);
    if (n < 0)
      return fail("client.answer", Side::upstream, fmt::format("send: {}", errno_text(errno)));
    text.remove_prefix(static_cast<size_t>(n));
  }
  std::string answer;
  char buffer[16384];
  for (;;) {
    ssize_t n = recv(socket.fd(), buffer, sizeof buffer, 0);
    if (n == 0) return answer;
    if (n < 0) {
      return fail("client.timeout", Side::upstream,
                  fmt::format("127.0.0.1:{} does not answer: {}", port, errno_text(errno)));
    }
    answer.append(buffer, static_cast<size_t>(n));
  }
}

}  // namespace

Result<http::BufferedResponse> ask(uint16_t port, const http::BufferedRequest& request,
                                   Milliseconds within) {
  Socket socket;
  timeval limit = {within.count() / 1000, within.count() % 1000 * 1000};
  setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  auto bytes = exchange(socket, port, text_of(request, port));
  if (!bytes) return fail(bytes.error());

  http::ResponseHead head;
  http::ParseFault fault;
  uint32_t scanned = 0;
  auto method = request.method == "HEAD" ? http::Method::head : http::Method::get;
  if (read_response(*bytes, http::Limits(), method, scanned, head, fault) !=
      http::ParseStatus::complete) {
    return fail("client.answer", Side::upstream,
                fmt::format("the answer of 127.0.0.1:{} is not HTTP: {}", port, fault.reason));
  }
  http::BufferedResponse response;
  response.status = head.status;
  for (const http::Header& field : head.fields()) {
    response.headers.emplace_back(field.name, field.value);
  }
  std::string_view rest = std::string_view(*bytes).substr(head.size);
  if (head.framing != http::BodyFraming::chunked) {
    response.body = rest;
    return response;
  }
  http::ChunkedReader reader;
  while (!rest.empty()) {
    auto step = reader.next(rest, http::Limits(), fault);
    response.body += step.data;
    if (step.status != http::ParseStatus::need_more || step.consumed == 0) break;
    rest.remove_prefix(step.consumed);
  }
  return response;
}

bool port_is_free(uint16_t port) {
  Socket socket;
  int on = 1;
  setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = loopback(port);
  return bind(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
         listen(socket.fd(), 1) == 0;
}

}  // namespace sallyport::app
