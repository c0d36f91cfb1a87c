// The control thread's loop: jobs that workers post, signals, and sources such as the change feed
// that want to be called when a descriptor is readable or a time has come. One instance per
// process, run on the main thread; post() and stop() are for any thread, everything else for the
// main thread before run().
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"

namespace sallyport::app {

class ControlLoop {
 public:
  using Job = std::move_only_function<void()>;

  // Something that is stepped when `descriptor()` is readable or `next_wakeup()` has come. A
  // descriptor of -1 is not watched. Both are asked anew before each wait.
  struct Source {
    std::function<int()> descriptor;
    std::function<TimePoint()> next_wakeup;
    std::function<void()> step;
  };

  ControlLoop();
  ~ControlLoop();
  ControlLoop(const ControlLoop&) = delete;
  ControlLoop& operator=(const ControlLoop&) = delete;

  // Runs `job` on the control thread, soon. Jobs posted after stop() are destroyed unrun.
  void post(Job job);

  void add_source(Source source) { sources_.push_back(std::move(source)); }

  // Blocks `signal` for the process's threads (call before starting any) and hands it to `handler`.
  void on_signal(int signal, std::function<void()> handler);

  // Runs until stop().
  void run();
  // Runs until `done` says true (asked after each turn); false when `deadline` came first, or
  // stop().
  bool run_until(const std::function<bool()>& done, TimePoint deadline);
  void stop();

 private:
  bool turn(TimePoint limit);  // one wait and what it brought; false after stop()
  void drain_jobs();
  void read_signals();

  int wake_;          // eventfd
  int signals_ = -1;  // signalfd
  bool stopping_ = false;
  std::mutex mutex_;  // guards jobs_ and stopping_
  std::vector<Job> jobs_;
  std::vector<Source> sources_;
  std::map<int, std::function<void()>> handlers_;
};

}  // namespace sallyport::app
