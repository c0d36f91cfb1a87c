#include "admin/metrics_text.h"

#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/version.h"

namespace sallyport::admin {
namespace {

void head(std::string& out, std::string_view name, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} gauge\n", name, help);
}

void add_connections(std::string& out, const NodeInfo& node, const std::string& id) {
  const Counters now = node.counters();
  const std::array<std::pair<std::string_view, uint64_t>, 7> states = {
      {{"accepted", now.connections_accepted},
       {"active", now.connections_active},
       {"handled", now.connections_handled},
       {"reading", now.connections_reading},
       {"total", now.total_requests},
       {"waiting", now.connections_waiting},
       {"writing", now.connections_writing}}};
  head(out, "kong_nginx_connections_total", "Number of connections by subsystem");
  for (const auto& [state, count] : states) {
    fmt::format_to(
        std::back_inserter(out),
        "kong_nginx_connections_total{{node_id=\"{}\",subsystem=\"http\",state=\"{}\"}} {}\n", id,
        state, count);
  }
  head(out, "kong_nginx_requests_total", "Total number of requests");
  fmt::format_to(std::back_inserter(out),
                 "kong_nginx_requests_total{{node_id=\"{}\",subsystem=\"http\"}} {}\n", id,
                 now.total_requests);
}

}  // namespace

std::string metrics_text(const NodeInfo& node) {
  std::string out;
  const std::string id = node.node_id();
  auto end = std::back_inserter(out);
  if (auto link = node.link()) {
    head(out, "kong_datastore_reachable", "Datastore reachable from Kong, 0 is unreachable");
    fmt::format_to(end, "kong_datastore_reachable {}\n", link->connected ? 1 : 0);
  }
  add_connections(out, node, id);
  head(out, "kong_memory_workers_lua_vms_bytes", "Allocated bytes in worker Lua VM");
  fmt::format_to(end,
                 "kong_memory_workers_lua_vms_bytes{{node_id=\"{}\",pid=\"{}\",kong_subsystem="
                 "\"http\"}} {}\n",
                 id, node.pids().master, node.memory().resident);
  head(out, "kong_node_info", "Kong Node metadata information");
  fmt::format_to(end, "kong_node_info{{node_id=\"{}\",version=\"{}\"}} 1\n", id, kKongApiLevel);
  const FeedFacts feed = node.feed();
  head(out, "sallyport_snapshot_version", "Snapshots built since the start");
  fmt::format_to(end, "sallyport_snapshot_version {}\n", feed.snapshot_version);
  head(out, "sallyport_configuration_faults", "Parts of the configuration that cannot be used");
  fmt::format_to(end, "sallyport_configuration_faults {}\n", feed.faults.size());
  return out + node.link_metrics();
}

Answer metrics_answer(const NodeInfo& node) {
  Answer answer;
  answer.body = metrics_text(node);
  answer.headers.emplace_back("Content-Type", "text/plain; charset=UTF-8");
  return answer;
}

}  // namespace sallyport::admin
