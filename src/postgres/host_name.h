// Whether a server certificate may speak for a host name: libpq 15's rules, ours inside the
// handshake so that a wrong host does not even see the client certificate. Any thread.
#pragma once

#include <string>
#include <string_view>

struct x509_st;

namespace sallyport::postgres {

struct HostNameVerdict {
  bool matches = false;
  std::string text;  // libpq's words when it does not match, with the certificate's names
};

// dNSName and iPAddress of the SAN; the CN only when the SAN has no name of the host's kind (a name
// or an address). `*` stands for one whole leftmost label. An address must be written out: no
// wildcard matches it. `host` is a name or a literal address.
HostNameVerdict check_host_name(const x509_st* certificate, std::string_view host);

}  // namespace sallyport::postgres
