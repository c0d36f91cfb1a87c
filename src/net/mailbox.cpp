#include "net/mailbox.h"

#include <cstdint>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace sallyport::net {

Mailbox::Mailbox() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Mailbox::~Mailbox() {
  if (fd_ >= 0) ::close(fd_);
}

bool Mailbox::post(Message message) {
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return false;
    first = messages_.empty();
    messages_.push_back(std::move(message));
  }
  // Only the post that ends the silence wakes the loop; run_all() takes the rest along.
  const uint64_t one = 1;
  if (first) [[maybe_unused]]
    auto ignored = ::write(fd_, &one, sizeof(one));
  return true;
}

void Mailbox::run_all() {
  uint64_t count = 0;
  [[maybe_unused]] auto ignored = ::read(fd_, &count, sizeof(count));
  std::vector<Message> batch;
  {
    std::lock_guard lock(mutex_);
    batch.swap(messages_);
  }
  for (Message& message : batch) message();
}

void Mailbox::close() {
  std::vector<Message> dropped;  // destroyed outside the lock: a message may own a poster
  std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(messages_);
}

}  // namespace sallyport::net
