// Counters of all links of the process. Written where things happen, read by /metrics and /status
// from any thread.
#pragma once

#include <cstdint>
#include <string>

#include "postgres/link_state.h"

namespace sallyport::postgres {

enum class LinkEvent : uint8_t {
  opened,          // sessions established
  failed,          // attempts to open one that failed on every host
  host_failed,     // a host or address of the list that could not be used
  refused_server,  // a server that did not pass verification
  plain_fallback,  // sessions in plain text because the server answered N
  downgrade,       // N from a server that has spoken TLS before
  lost,            // sessions that broke
  timeout,         // deadlines that passed, of establishments and of statements
  read_only,       // sessions dropped because the server had become read-only
  stale_file,      // times that a bad file was replaced by what was read before
};
inline constexpr size_t kLinkEvents = 10;

void count(LinkEvent event);
uint64_t counted(LinkEvent event);

// In Prometheus' text format: the counters, and of `state` the seconds until each certificate and
// CRL expires (negative: expired), whether the link is encrypted, and with what.
std::string link_metrics_text(const LinkState& state, int64_t now);

}  // namespace sallyport::postgres
