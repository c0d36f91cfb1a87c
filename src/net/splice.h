// A body from one connection to another inside the kernel: where both are plain sockets, the
// process need not see the bytes. The loop's thread only.
#pragma once

#include <cstdint>

#include "base/task.h"
#include "net/pipe_pool.h"
#include "net/stream.h"

namespace sallyport::net {

// Below this many bytes two copies cost less than the system calls of a splice.
inline constexpr uint64_t kSpliceFrom = uint64_t{24} * 1024;

struct Spliced {
  uint64_t bytes = 0;  // that have gone into the socket of `to`
  IoStatus receive = IoStatus::ok;
  IoStatus send = IoStatus::ok;
  bool more = false;  // behind them in `from` are bytes already: Behind::nothing only
};

// What may follow the bytes that are moved. `nothing`: should more have come already, the last of
// them are kept back.
enum class Behind : uint8_t { anything, nothing };

// A pipe, when the next bytes of `from` can go to `to` that way: neither has TLS or is inside
// another connection, and no byte of `from` has been received or is being received ahead.
PipePtr pipe_between(Stream& from, Stream& to);

// Moves `bytes` bytes, fewer when one of the two fails, ends, or makes no progress: `from` for
// `timeout_ms` (0: for ever), `to` for its send timeout. What was queued for `to` goes first. The
// one who receives from `from` and waits for room in `to` meanwhile is this.
Task<Spliced> splice(Stream& from, Stream& to, PipePtr pipe, uint64_t bytes, Behind behind,
                     uint32_t timeout_ms);

}  // namespace sallyport::net
