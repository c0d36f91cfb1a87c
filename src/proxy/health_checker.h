// Active health checks: asks the targets of every upstream that wants it, at the intervals that its
// healthy and unhealthy targets have, and reports to the board that all workers share. One worker
// of a gateway has one; that worker's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/task.h"
#include "net/loop.h"
#include "proxy/balanced_upstream.h"

namespace sallyport::proxy {

class Worker;

class HealthChecker {
 public:
  explicit HealthChecker(Worker& worker);
  ~HealthChecker();
  HealthChecker(const HealthChecker&) = delete;
  HealthChecker& operator=(const HealthChecker&) = delete;

  // Follows the worker's upstreams, after they changed. Looks up their targets' names, so that the
  // board knows the addresses before the first request.
  void configure();

 private:
  class Watch;
  Worker& worker_;
  std::unordered_map<BalancedUpstream*, std::unique_ptr<Watch>> watches_;
};

}  // namespace sallyport::proxy
