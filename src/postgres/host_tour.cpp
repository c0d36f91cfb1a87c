#include "postgres/host_tour.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "postgres/host_resolver.h"
#include "postgres/link_metrics.h"

namespace sallyport::postgres {
namespace {

// How much an error tells of what is wrong, against the errors of other hosts.
int weight(const Error& error) {
  if (error.code == "link.name" || error.code == "link.unreachable") return 0;
  if (error.code == "link.refused") return 1;
  if (error.code == "link.timeout" || error.code == "link.closed") return 2;
  return 3;
}

// Answers that every address of the same host would give: a wrong password is not tried twice.
bool settles_the_host(const Error& error) {
  return error.code == "link.authentication" || error.code == "link.no_entry" ||
         error.code == "link.database";
}

// Without the "connection to server at … failed: " that names the peer, and libpq's guesses.
std::string reason_of(const std::string& text) {
  size_t start = text.find(" failed: ");
  start = start == std::string::npos ? 0 : start + 9;
  return text.substr(start, text.find("; ", start) - start);
}

// "db.example." is an absolute name for DNS; no certificate has the dot.
std::string without_final_dot(const std::string& host) {
  bool dotted = host.size() > 1 && host.back() == '.';
  return dotted ? host.substr(0, host.size() - 1) : host;
}

TimePoint share(TimePoint deadline, size_t parts) {
  auto left = deadline - Clock::now();
  return Clock::now() + left / static_cast<int64_t>(std::max<size_t>(parts, 1));
}

class Tour {
 public:
  Tour(const LinkSettings& settings, TimePoint deadline, const TryTarget& attempt, LinkState& state)
      : settings_(settings), deadline_(deadline), attempt_(attempt), state_(state) {}

  Result<void> run() {
    for (size_t i = 0; i < settings_.hosts.size(); ++i) {
      if (visit(settings_.hosts[i], settings_.hosts.size() - i)) return {};
    }
    return verdict();
  }

 private:
  // True when the tour is over.
  bool visit(const std::string& host, size_t hosts_left) {
    TimePoint until = share(deadline_, hosts_left);
    begin(host, "");
    auto addresses = addresses_of(host, until);
    if (!addresses) {
      note(addresses.error());
      return false;
    }
    for (size_t i = 0; i < addresses->size(); ++i) {
      begin(host, addresses->at(i));
      bool last = hosts_left == 1 && i + 1 == addresses->size();
      auto done = attempt_({without_final_dot(host), addresses->at(i)},
                           share(until, addresses->size() - i), last);
      if (done && *done) return true;
      if (done) continue;
      note(done.error());
      if (settles_the_host(done.error())) break;
    }
    return false;
  }

  Result<std::vector<std::string>> addresses_of(const std::string& host, TimePoint until) const {
    if (!settings_.address.empty()) return std::vector{settings_.address};
    auto resolved = resolve_host(host, {settings_.hosts_file, settings_.resolvers}, until);
    if (!resolved) return fail(resolved.error());
    return std::move(resolved->addresses);
  }

  void begin(const std::string& host, const std::string& address) {
    auto failed = std::move(state_.failed);
    state_ = LinkState{};
    state_.failed = std::move(failed);
    state_.host = host;
    state_.address = address;
    state_.port = settings_.port;
    state_.stage = LinkStage::name;
  }

  void note(const Error& error) {
    count(LinkEvent::host_failed);
    if (error.code == "link.timeout") count(LinkEvent::timeout);
    state_.failed.push_back({state_.host, state_.address, state_.stage, error.detail});
    if (!worst_ || weight(error) > weight(*worst_)) {
      worst_ = error;
      worst_state_ = state_;
    }
  }

  Result<void> verdict() {
    if (!worst_) return fail("link.name", Side::config, "pg_host names no host");
    std::string others;
    for (const FailedAttempt& one : state_.failed) {
      if (one.error == worst_->detail) continue;
      std::string address = one.address.empty() || one.address == one.host ? "" : one.address;
      others += fmt::format("; also tried {}{}: {}", one.host,
                            address.empty() ? "" : " (" + address + ")", reason_of(one.error));
    }
    auto failed = std::move(state_.failed);
    state_ = std::move(worst_state_);
    state_.failed = std::move(failed);
    worst_->detail += others;
    return fail(std::move(*worst_));
  }

  const LinkSettings& settings_;
  TimePoint deadline_;
  const TryTarget& attempt_;
  LinkState& state_;
  std::optional<Error> worst_;
  LinkState worst_state_;
};

}  // namespace

Result<void> tour_hosts(const LinkSettings& settings, TimePoint deadline, const TryTarget& attempt,
                        LinkState& state) {
  return Tour(settings, deadline, attempt, state).run();
}

}  // namespace sallyport::postgres
