// Hands snapshots to the workers. The proxy's workers subscribe; whoever builds snapshots (the
// change feed's thread, or the control thread without a database) publishes. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/snapshot.h"

namespace sallyport::runtime {

class Publisher {
 public:
  // Called by the publishing thread, one call at a time; must pass the pointer on to its worker's
  // loop and return at once, and must not call the publisher. False: it is gone, and is not called
  // again.
  using Subscriber = std::function<bool(std::shared_ptr<const Snapshot>)>;

  // A subscriber gets the current snapshot at once when there is one.
  void subscribe(Subscriber subscriber);
  void publish(std::shared_ptr<const Snapshot> snapshot);
  // Frees the former snapshots that nobody uses any more, on the calling thread: at 100,000 routes
  // it can take tens of milliseconds, in which a worker would answer nobody. True while some are
  // left. Not called, they are kept.
  bool sweep();
  size_t subscribers() const;
  std::shared_ptr<const Snapshot> current() const;

 private:
  mutable std::mutex mutex_;  // never taken on the request path
  std::vector<Subscriber> subscribers_;
  std::shared_ptr<const Snapshot> current_;
  std::vector<std::shared_ptr<const Snapshot>> former_;  // so that no worker is the last to let go
};

}  // namespace sallyport::runtime
