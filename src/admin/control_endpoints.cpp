#include "admin/control_endpoints.h"

#include <cmath>

#include <fmt/format.h>

#include "admin/request_body.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

namespace sallyport::admin {
namespace {

constexpr int64_t kLevelSeconds = 60;  // Kong's: nobody forgets a node that logs everything
constexpr int64_t kLongestLevel = 365LL * 24 * 3600;

// `timeout`, of the body or the query.
std::expected<int64_t, Answer> level_seconds(const Request& request) {
  auto body = read_body(request, nullptr);
  if (!body) return std::unexpected(std::move(body.error()));
  std::string word(request.argument("timeout").value_or(""));
  if (auto given = body->find("timeout"); given != body->end()) {
    word = given->is_string() ? given->get<std::string>() : to_text(*given);
  }
  if (word.empty()) return kLevelSeconds;
  auto seconds = text::to_number(word);
  if (!seconds || !(*seconds >= 0 && *seconds <= kLongestLevel)) {
    return std::unexpected(message_answer(
        400, fmt::format("timeout must be a number of seconds between 0 and {}", kLongestLevel)));
  }
  return static_cast<int64_t>(std::ceil(*seconds));
}

Answer set_log_level(NodeInfo& node, const Request& request, const std::string& word) {
  log::Level level;
  if (!log::parse_level(word, level)) {
    return message_answer(400, fmt::format("unknown log level: {}", word));
  }
  auto seconds = level_seconds(request);
  if (!seconds) return std::move(seconds.error());
  if (level == log::level()) {
    return message_answer(200, fmt::format("log level is already {}", word));
  }
  node.set_log_level(level, *seconds);
  log::notice("the log level is {} for {} s", word, *seconds);
  return message_answer(200, "log level changed");
}

Answer only_in_a_cluster() {
  return message_answer(400,
                        "this endpoint is only available when Kong is configured to run as "
                        "Control Plane for the cluster");
}

}  // namespace

void add_control_endpoints(Endpoints& endpoints, NodeInfo& node) {
  endpoints.add("/debug/node/log-level", "GET", [](auto&, Keys) {
    return message_answer(200, fmt::format("log level: {}", log::name(log::level())));
  });
  endpoints.add("/debug/node/log-level/{log_level}", "PUT",
                [&node](auto& r, Keys k) { return set_log_level(node, r, k[0]); });
  // Nothing here is kept in a cache that could be out of date: workers read the snapshot.
  endpoints.add("/cache", "DELETE", [](auto&, Keys) { return no_content(); });
  endpoints.add("/cache/{key}", "GET", [](auto&, Keys) { return not_found(); });
  endpoints.add("/cache/{key}", "DELETE", [](auto&, Keys) { return no_content(); });
  endpoints.add("/timers", "GET", [](auto&, Keys) {
    return json_answer(
        200,
        Json{{"worker", {{"id", 0}, {"count", 1}}},
             {"stats",
              {{"sys", {{"total", 0}, {"runs", 0}, {"running", 0}, {"pending", 0}, {"waiting", 0}}},
               {"timers", Json::object()},
               {"flamegraph", Json::object()}}}});
  });
  endpoints.add("/status/dns", "GET", [](auto&, Keys) {
    return message_answer(501, "not implemented with the legacy DNS client");
  });
  endpoints.add("/clustering/data-planes", "GET", [](auto&, Keys) { return only_in_a_cluster(); });
  endpoints.add("/clustering/status", "GET", [](auto&, Keys) { return only_in_a_cluster(); });
}

}  // namespace sallyport::admin
