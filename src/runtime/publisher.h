// Hands snapshots to the workers. The proxy's workers subscribe; the control thread publishes.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "runtime/snapshot.h"

namespace sallyport::runtime {

class Publisher {
 public:
  // Called on the control thread; must pass the pointer on to its worker's loop and return at once.
  using Subscriber = std::function<void(std::shared_ptr<const Snapshot>)>;

  // Before the first publish(). A subscriber gets the current snapshot at once when there is one.
  void subscribe(Subscriber subscriber);
  void publish(std::shared_ptr<const Snapshot> snapshot);
  const std::shared_ptr<const Snapshot>& current() const { return current_; }

 private:
  std::vector<Subscriber> subscribers_;
  std::shared_ptr<const Snapshot> current_;
};

}  // namespace sallyport::runtime
