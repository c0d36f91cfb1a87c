// Why a TLS connection broke, in words for a log. Values.
#pragma once

#include <cstdint>
#include <string>

struct ssl_st;

namespace sallyport::net {

struct TlsFault {
  enum class Kind : uint8_t {
    untrusted,       // no path to a trusted authority
    chain_too_long,  // more intermediates than the verify depth
    out_of_date,     // expired or not valid yet
    wrong_name,      // valid, but for others
    bad_certificate,
    refused_certificate,  // the peer wants a certificate of ours, or another one
    no_tls,               // what came is not TLS
    plain_http,           // but how a request of HTTP/1 begins
    no_agreement,         // on a version or cipher
    closed,               // the peer hung up in the handshake
    other,
  };
  Kind kind = Kind::other;
  std::string text;  // OpenSSL's reason
};

// What has just gone wrong; empties OpenSSL's queue.
TlsFault read_tls_fault(const ssl_st* ssl);

}  // namespace sallyport::net
