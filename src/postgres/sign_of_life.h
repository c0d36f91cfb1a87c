// Whether a server that is asked and says nothing is still there: a second link to it is tried on a
// thread of its own while the answer is waited for. One that gets as far as a first byte tells a
// server with a long statement from one that is frozen, or behind a network that drops everything.
// Used by the thread that waits; one instance a wait.
#pragma once

#include <memory>

#include "base/clock.h"
#include "postgres/link_settings.h"
#include "postgres/link_state.h"

namespace sallyport::postgres {

class SignOfLife {
 public:
  static constexpr Milliseconds kQuiet{200};   // this much silence is nothing, and between attempts
  static constexpr Milliseconds kWithin{550};  // a server that is there has said something by then

  // To the host and address of `session`. So many `failures` in a row mean that it is gone.
  SignOfLife(const LinkSettings& settings, const LinkState& session, int failures);
  ~SignOfLife();  // waits for an attempt that is under way, kWithin at most

  // Call it every few milliseconds; true when the server is gone.
  bool missing();

 private:
  struct Attempt;
  LinkSettings settings_;
  int left_;
  const int failures_;
  TimePoint next_;
  std::unique_ptr<Attempt> attempt_;
};

}  // namespace sallyport::postgres
