// The configuration as the workers read it: immutable, built on the control thread (builder.h),
// posted to each worker as a pointer (publisher.h). A request pins the one that it began with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/entities.h"
#include "model/upstream.h"
#include "plugin/identities.h"
#include "router/router.h"
#include "router/stream_router.h"
#include "runtime/route_table.h"

namespace sallyport::runtime {

// An upstream and what its requests are balanced over.
struct UpstreamEntry {
  std::shared_ptr<const model::Upstream> upstream;
  std::vector<std::shared_ptr<const model::Target>> targets;  // by id

  bool operator==(const UpstreamEntry&) const = default;
};
using UpstreamList = std::vector<std::shared_ptr<const UpstreamEntry>>;

// A service with everything that can be worked out before a request comes.
struct ServiceTarget {
  std::shared_ptr<const model::Service> service;
  std::string host_header;  // host, and ":port" unless it is the scheme's default
  std::shared_ptr<const UpstreamEntry> upstream;  // that the host names; null: the host is a host
};

struct Snapshot {
  uint64_t version = 0;  // grows by one per build on this node
  int64_t sequence = 0;  // the change-log entry up to which it is current
  router::Router router;
  std::shared_ptr<const router::StreamRouter> stream_router;  // never null
  RouteTable routes;                                          // by what either router gives
  std::shared_ptr<const plugin::Identities> identities;
  std::shared_ptr<const UpstreamList> upstreams;  // all, for health checks; never null
};

}  // namespace sallyport::runtime
