#include "runtime/publisher.h"

#include <algorithm>
#include <iterator>

namespace sallyport::runtime {

void Publisher::subscribe(Subscriber subscriber) {
  std::lock_guard lock(mutex_);
  if (current_ && !subscriber(current_)) return;
  subscribers_.push_back(std::move(subscriber));
}

void Publisher::publish(std::shared_ptr<const Snapshot> snapshot) {
  std::lock_guard lock(mutex_);
  if (current_ != nullptr) former_.push_back(std::move(current_));
  current_ = std::move(snapshot);
  std::erase_if(subscribers_, [&](const Subscriber& subscriber) { return !subscriber(current_); });
}

bool Publisher::sweep() {
  std::vector<std::shared_ptr<const Snapshot>> unused;  // freed without the lock
  std::lock_guard lock(mutex_);
  // Nobody can take a new reference to one that only this list holds.
  auto used = std::ranges::partition(former_, [](const auto& one) { return one.use_count() > 1; });
  std::ranges::move(used, std::back_inserter(unused));
  former_.erase(used.begin(), used.end());
  return !former_.empty();
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
