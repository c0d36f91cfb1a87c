// Waiting for one socket, never longer than a deadline. Any thread.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace sallyport::postgres {

enum class WaitFor : uint8_t { read, write, either };

// True when the socket is ready (or broken: the next call tells); false when the deadline passed.
bool wait_for(int socket, WaitFor what, TimePoint deadline);

}  // namespace sallyport::postgres
