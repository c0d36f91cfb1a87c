// How other threads reach a loop: closures that run on the loop's thread, in order. Shared by the
// loop and everybody who may post, so that a late post finds a closed box instead of freed memory.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

namespace sallyport::net {

class Mailbox {
 public:
  using Message = std::move_only_function<void()>;

  Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox();

  // Any thread. False, and the message dropped, when the loop has gone.
  bool post(Message message);

  // The loop's side: an eventfd that is readable while there are messages.
  int fd() const { return fd_; }
  void run_all();
  void close();

 private:
  int fd_;
  std::mutex mutex_;
  std::vector<Message> messages_;
  bool closed_ = false;
};

}  // namespace sallyport::net
