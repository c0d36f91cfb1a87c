// The configuration as the workers read it: immutable, built on the control thread (builder.h),
// posted to each worker as a pointer (publisher.h). A request pins the one that it began with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/entities.h"
#include "router/router.h"

namespace sallyport::runtime {

// A service with everything that can be worked out before a request comes.
struct ServiceTarget {
  std::shared_ptr<const model::Service> service;
  std::string host_header;  // host, and ":port" unless it is the scheme's default
};

struct RouteEntry {
  std::shared_ptr<const model::Route> route;
  std::shared_ptr<const ServiceTarget> target;  // null: no service, or the service is disabled
};

struct Snapshot {
  uint64_t version = 0;  // grows by one per build on this node
  int64_t sequence = 0;  // the change-log entry up to which it is current
  router::Router router;
  std::vector<RouteEntry> routes;  // by Match::route
};

}  // namespace sallyport::runtime
