// How well this node keeps up with its database: for /status, metrics and logs. Plain values.
#pragma once

#include <cstdint>
#include <string>

namespace sallyport::model {

struct FeedState {
  // log: the change log is followed, notifications wake the feed. compare: the database has no
  // change log (`sallyport migrations up` adds it), tables are compared at every poll.
  enum class Mode : uint8_t { none, log, compare };

  bool connected = false;
  Mode mode = Mode::none;
  int64_t since = 0;            // Unix seconds of the last change of `connected`
  std::string last_error;       // "" when there never was one
  int64_t last_error_at = 0;    // Unix seconds
  int64_t sequence = 0;         // the newest change-log entry that was handed on
  int64_t last_applied_at = 0;  // Unix seconds of the last batch; 0: none yet
  double lag_seconds = 0;       // age of that batch's newest entry when it was handed on
  uint64_t batches = 0;         // handed on since the start, complete ones included
  uint64_t complete_loads = 0;  // of which complete
  uint64_t connections = 0;     // sessions opened since the start
};

}  // namespace sallyport::model
