// What this process remembers of the servers that it has spoken with: that they spoke TLS, so that
// a later N is an alarm and not a reason to go plain, and their last certificate, so that a change
// is logged. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "postgres/link_state.h"

namespace sallyport::postgres {

// By host as written in pg_host, and port.
void remember_tls(const std::string& host, uint16_t port, const CertificateFacts& leaf);
bool spoke_tls(const std::string& host, uint16_t port);

// True the first time it is called for a host: its plain text is worth one warning.
bool first_plain(const std::string& host, uint16_t port);

}  // namespace sallyport::postgres
