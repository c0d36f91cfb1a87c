// The node's answer to the last SIGHUP, in a file beside its pid: so that `sallyport reload` can
// say whether the new configuration is in use, and why not. Written by the control thread, read by
// the command.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace sallyport::app {

struct ReloadAnswer {
  std::string fault;  // empty when the new configuration is in use
  std::string file;   // that was read; empty for none
};

class ReloadReport {
 public:
  // A report that cannot be written is only a report lost.
  static void write(const std::string& prefix, const ReloadAnswer& answer);

  // Remembers the report that is there, so that the next one can be told from it: before SIGHUP.
  explicit ReloadReport(const std::string& prefix);

  // The next report; nothing when none came while `alive()` and in time.
  template <typename Alive>
  std::optional<ReloadAnswer> wait(std::chrono::seconds within, Alive alive) const {
    auto deadline = std::chrono::steady_clock::now() + within;
    while (alive() && std::chrono::steady_clock::now() < deadline) {
      if (auto answer = look()) return answer;
    }
    return look();
  }

 private:
  // Waits a moment.
  std::optional<ReloadAnswer> look() const;

  std::string path_;
  std::string before_;  // what tells a file from another one
};

}  // namespace sallyport::app
