#include "postgres/socket_wait.h"

#include <algorithm>
#include <cerrno>

#include <poll.h>

namespace sallyport::postgres {

bool wait_for(int socket, WaitFor what, TimePoint deadline) {
  short events = what == WaitFor::read    ? POLLIN
                 : what == WaitFor::write ? POLLOUT
                                          : static_cast<short>(POLLIN | POLLOUT);
  for (;;) {
    pollfd wait{socket, events, 0};
    int64_t left = std::min<int64_t>(remaining(deadline).count(), 3'600'000);
    int ready = poll(&wait, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // the next call on the socket says what is wrong
    if (remaining(deadline).count() == 0) return false;
  }
}

}  // namespace sallyport::postgres
