#include "admin/control_endpoints.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/log.h"

namespace sallyport::admin {
namespace {

Answer set_log_level(const std::string& word) {
  log::Level level;
  if (!log::parse_level(word, level)) {
    return message_answer(400, fmt::format("unknown log level: {}", word));
  }
  if (level == log::level()) {
    return message_answer(200, fmt::format("log level is already {}", word));
  }
  log::set_level(level);
  log::notice("the log level is now {}", word);
  return message_answer(200, "log level changed");
}

Answer only_in_a_cluster() {
  return message_answer(400,
                        "this endpoint is only available when Kong is configured to run as "
                        "Control Plane for the cluster");
}

}  // namespace

void add_control_endpoints(Endpoints& endpoints) {
  endpoints.add("/debug/node/log-level", "GET", [](auto&, Keys) {
    return message_answer(200, fmt::format("log level: {}", log::name(log::level())));
  });
  endpoints.add("/debug/node/log-level/{log_level}", "PUT",
                [](auto&, Keys k) { return set_log_level(k[0]); });
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
