// One look at a server through our own socket and OpenSSL: what it answers to SSLRequest, which TLS
// it speaks, which certificates it sends and asks for. Verification is off on purpose, so that a
// chain that fails can still be shown; therefore nothing but SSLRequest and the handshake is ever
// sent: no startup packet, no user name, no password. Any thread; blocks until the deadline.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "doctor/wire.h"
#include "pki/certificate.h"
#include "pki/key.h"

namespace sallyport::doctor {

struct ProbeTarget {
  std::string host;     // as written in pg_host: the server name of the handshake
  std::string address;  // literal IPv4 or IPv6
  uint16_t port = 0;
};

// A client certificate to show in the handshake, leaf first.
struct ProbeIdentity {
  std::vector<pki::Certificate> chain;
  pki::Key key;
};

struct ProbeOptions {
  TimePoint deadline;
  int version = 0;  // TLS1_2_VERSION ...: exactly that one; 0: the best that both sides have
  const ProbeIdentity* identity = nullptr;
};

// How far a look got, in the order of the steps.
enum class Reach : uint8_t {
  nothing,    // TCP failed
  connected,  // TCP is up, no usable answer to SSLRequest
  answered,   // the answer was `S`; the handshake failed
  secured,    // the handshake is done
};

enum class SslAnswer : uint8_t { none, yes, no, error, other };

struct Probe {
  ProbeTarget target;
  Reach reach = Reach::nothing;
  Stop stop = Stop::none;
  std::string system_error;  // "Connection refused"
  Milliseconds connect_time{0};
  Milliseconds handshake_time{0};

  SslAnswer answer = SslAnswer::none;
  std::string answer_bytes;  // the first bytes of the answer, raw
  bool injected = false;     // plain bytes followed the `S`

  std::string version;  // "TLSv1.3"
  std::string cipher;
  std::string group;                    // the key exchange: "X25519"; "" when unknown
  std::string tls_error;                // OpenSSL's reason: "tlsv1 alert protocol version"
  std::vector<pki::Certificate> chain;  // as sent, leaf first
  bool certificate_requested = false;
  std::vector<std::string> acceptable_issuers;  // the CAs that the server names, RFC 2253
  // With an identity: the alert that refused it ("tlsv1 alert unknown ca"), "" when it was taken.
  std::string identity_refused;
};

Probe probe(const ProbeTarget& target, const ProbeOptions& options);

// Bytes for a terminal: printable ASCII as it is, the rest as \xNN.
std::string printable(std::string_view bytes);

}  // namespace sallyport::doctor
