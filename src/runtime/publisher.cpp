#include "runtime/publisher.h"

namespace sallyport::runtime {

void Publisher::subscribe(Subscriber subscriber) {
  std::lock_guard lock(mutex_);
  if (current_ && !subscriber(current_)) return;
  subscribers_.push_back(std::move(subscriber));
}

void Publisher::publish(std::shared_ptr<const Snapshot> snapshot) {
  std::lock_guard lock(mutex_);
  current_ = std::move(snapshot);
  std::erase_if(subscribers_, [&](const Subscriber& subscriber) { return !subscriber(current_); });
}

size_t Publisher::subscribers() const {
  std::lock_guard lock(mutex_);
  return subscribers_.size();
}

std::shared_ptr<const Snapshot> Publisher::current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace sallyport::runtime
