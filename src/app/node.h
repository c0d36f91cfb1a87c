// What this node tells about itself through the Admin and Status API. Control thread; owned by the
// Server, reads what the Server's parts know.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "admin/declared_node.h"
#include "admin/node_info.h"
#include "conf/settings.h"
#include "postgres/change_feed.h"
#include "proxy/gateway.h"
#include "runtime/snapshot.h"

namespace sallyport::app {

// Filled and kept current by the Server.
struct NodeParts {
  const conf::Settings* settings = nullptr;
  const proxy::Gateway* gateway = nullptr;     // null until it runs
  const postgres::ChangeFeed* feed = nullptr;  // null without a database
  postgres::LinkSettings link;
  std::shared_ptr<const runtime::Snapshot> snapshot;
  int64_t built_at = 0;  // Unix seconds
  std::vector<std::string> build_faults;
  std::string node_id;
  const admin::DeclaredNode* declared = nullptr;  // null with a database
  bool draining = false;
  TimePoint log_level_until = TimePoint::max();  // when the configured one holds again
};

class Node final : public admin::NodeInfo {
 public:
  explicit Node(NodeParts& parts) : parts_(parts) {}

  std::string hostname() const override;
  std::string node_id() const override { return parts_.node_id; }
  admin::Pids pids() const override;
  admin::Counters counters() const override;
  admin::Memory memory() const override;
  Json configuration() const override;
  std::vector<admin::PluginFacts> plugins() const override;
  std::optional<admin::LinkFacts> link() const override;
  admin::FeedFacts feed() const override;
  std::string link_metrics() const override;
  std::optional<std::string> configuration_hash() const override;
  std::vector<std::string> gui_origins() const override;
  bool admin_is_local() const override;
  std::string not_ready() const override;
  void set_draining(bool draining) override { parts_.draining = draining; }
  void set_log_level(log::Level level, int64_t seconds) override;

 private:
  NodeParts& parts_;
};

// The node's id: `node_id`, or the one kept in <prefix>/kong.id, made at the first start.
Result<std::string> node_id(const conf::Settings& settings);

}  // namespace sallyport::app
