#include "postgres/link_metrics.h"

#include <array>
#include <atomic>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

namespace sallyport::postgres {
namespace {

std::array<std::atomic<uint64_t>, kLinkEvents> counters;

struct EventName {
  LinkEvent event;
  std::string_view name;
};
constexpr EventName kNames[kLinkEvents] = {
    {LinkEvent::opened, "opened"},
    {LinkEvent::failed, "failed"},
    {LinkEvent::host_failed, "host_failed"},
    {LinkEvent::refused_server, "refused_server"},
    {LinkEvent::plain_fallback, "plain_fallback"},
    {LinkEvent::downgrade, "downgrade_refused"},
    {LinkEvent::lost, "lost"},
    {LinkEvent::timeout, "timeout"},
    {LinkEvent::read_only, "read_only"},
    {LinkEvent::stale_file, "stale_file"},
};

std::string label(std::string_view value) {
  std::string escaped;
  for (char c : value) {
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

void expiry(std::string& out, std::string_view what, std::string_view subject, int64_t seconds) {
  fmt::format_to(std::back_inserter(out),
                 "sallyport_postgres_expiry_seconds{{what=\"{}\",subject=\"{}\"}} {}\n", what,
                 label(subject), seconds);
}

}  // namespace

void count(LinkEvent event) {
  counters[static_cast<size_t>(event)].fetch_add(1, std::memory_order_relaxed);
}

uint64_t counted(LinkEvent event) {
  return counters[static_cast<size_t>(event)].load(std::memory_order_relaxed);
}

std::string link_metrics_text(const LinkState& state, int64_t now) {
  std::string out;
  out +=
      "# HELP sallyport_postgres_link_events_total What happened to the links to PostgreSQL.\n"
      "# TYPE sallyport_postgres_link_events_total counter\n";
  for (const auto& [event, name] : kNames) {
    fmt::format_to(std::back_inserter(out),
                   "sallyport_postgres_link_events_total{{event=\"{}\"}} {}\n", name,
                   counted(event));
  }
  if (state.host.empty()) return out;
  fmt::format_to(
      std::back_inserter(out),
      "# HELP sallyport_postgres_link_encrypted 1 when the link is in TLS.\n"
      "# TYPE sallyport_postgres_link_encrypted gauge\n"
      "sallyport_postgres_link_encrypted{{host=\"{}\",version=\"{}\",cipher=\"{}\"}} {}\n",
      label(state.host), label(state.tls_version), label(state.cipher), state.tls ? 1 : 0);
  if (!state.tls) return out;
  out +=
      "# HELP sallyport_postgres_expiry_seconds Seconds until it expires.\n"
      "# TYPE sallyport_postgres_expiry_seconds gauge\n";
  for (size_t i = 0; i < state.server_chain.size(); ++i) {
    const CertificateFacts& facts = state.server_chain[i];
    expiry(out, i == 0 ? "server" : "server_ca", facts.subject, facts.not_after - now);
  }
  if (state.client_certificate) {
    expiry(out, "client", state.client_certificate->subject,
           state.client_certificate->not_after - now);
  }
  if (state.crl_next_update) expiry(out, "crl", "", *state.crl_next_update - now);
  return out;
}

}  // namespace sallyport::postgres
