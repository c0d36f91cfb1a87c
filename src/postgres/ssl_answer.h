// Reads a server's answer to SSLRequest before libpq does, without taking it from the socket. libpq
// tells its caller in English what came; here it is a value. And what follows the answer is seen:
// whatever a server sends before its handshake is not encrypted (CVE-2021-23222).
#pragma once

#include <cstdint>
#include <string>

namespace sallyport::postgres {

struct SslAnswer {
  enum class Kind : uint8_t {
    none,      // nothing has arrived yet
    yes,       // 'S' and nothing else
    no,        // 'N' and nothing else
    error,     // 'E': an error packet; its text is nobody's that we know, and is not shown
    injected,  // 'S' or 'N', and more behind it
    closed,    // the connection ended without an answer
    garbage,   // anything else: not PostgreSQL
  };
  Kind kind = Kind::none;
  char byte = 0;        // the answer
  std::string excerpt;  // its first bytes, printable
};

// Never blocks.
SslAnswer peek_ssl_answer(int socket);

// Takes the one byte that was peeked.
void take_ssl_answer(int socket);

}  // namespace sallyport::postgres
