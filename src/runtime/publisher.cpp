#include "runtime/publisher.h"

namespace sallyport::runtime {

void Publisher::subscribe(Subscriber subscriber) {
  std::lock_guard lock(mutex_);
  if (current_) subscriber(current_);
  subscribers_.push_back(std::move(subscriber));
}

void Publisher::publish(std::shared_ptr<const Snapshot> snapshot) {
  std::lock_guard lock(mutex_);
  current_ = std::move(snapshot);
  for (const Subscriber& subscriber : subscribers_) subscriber(current_);
}

std::shared_ptr<const Snapshot> Publisher::current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace sallyport::runtime
