#include "postgres/ssl_answer.h"

#include <cerrno>
#include <string_view>

#include <fmt/format.h>
#include <sys/socket.h>

namespace sallyport::postgres {
namespace {

std::string printable(std::string_view bytes) {
  std::string text;
  for (char c : bytes.substr(0, 32)) {
    if (c >= 0x20 && c < 0x7f) {
      text += c;
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

SslAnswer::Kind kind_of(std::string_view bytes) {
  using Kind = SslAnswer::Kind;
  switch (bytes.front()) {
    case 'S':
      return bytes.size() > 1 ? Kind::injected : Kind::yes;
    case 'N':
      return bytes.size() > 1 ? Kind::injected : Kind::no;
    case 'E':
      return Kind::error;
    default:
      return Kind::garbage;
  }
}

}  // namespace

SslAnswer peek_ssl_answer(int socket) {
  char buffer[256];
  ssize_t n;
  do {
    n = recv(socket, buffer, sizeof buffer, MSG_PEEK | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  SslAnswer answer;
  if (n < 0) {
    bool pending = errno == EAGAIN || errno == EWOULDBLOCK;
    answer.kind = pending ? SslAnswer::Kind::none : SslAnswer::Kind::closed;
    return answer;
  }
  if (n == 0) {
    answer.kind = SslAnswer::Kind::closed;
    return answer;
  }
  std::string_view bytes(buffer, static_cast<size_t>(n));
  answer.kind = kind_of(bytes);
  answer.byte = bytes.front();
  answer.excerpt = printable(bytes);
  return answer;
}

void take_ssl_answer(int socket) {
  char byte = 0;
  (void)recv(socket, &byte, 1, MSG_DONTWAIT);
}

}  // namespace sallyport::postgres
