#include "app/daemon.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/errno_text.h"

namespace sallyport::app {
namespace {

constexpr std::string_view kUp = "up";

void detach() {
  setsid();
  int null = open("/dev/null", O_RDWR);
  dup2(null, 0);
  dup2(null, 1);
  dup2(null, 2);
  if (null > 2) close(null);
}

[[noreturn]] void be_child(const Work& work, int ready) {
  detach();
  int code = work([&](const std::string& error) {
    std::string line = error.empty() ? std::string(kUp) : error;
    [[maybe_unused]] ssize_t written = write(ready, line.data(), line.size());
    close(ready);
  });
  _exit(code);
}

}  // namespace

int run_daemon(const Work& work, const std::string& started) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) return 1;
  pid_t child = fork();
  if (child < 0) {
    fmt::print(stderr, "Error: cannot fork: {}\n", errno_text(errno));
    return 1;
  }
  if (child == 0) {
    close(ready[0]);
    be_child(work, ready[1]);
  }
  close(ready[1]);
  std::string answer;
  char buffer[1024];
  for (ssize_t n; (n = read(ready[0], buffer, sizeof buffer)) > 0;) {
    answer.append(buffer, static_cast<size_t>(n));
  }
  close(ready[0]);
  if (answer == kUp) {
    fmt::print("{}\n", started);
    return 0;
  }
  if (answer.empty()) answer = "the process ended before it was up; see its log";
  fmt::print(stderr, "Error: {}\n", answer);
  return 1;
}

int run_foreground(const Work& work) {
  return work([](const std::string& error) {
    if (!error.empty()) fmt::print(stderr, "Error: {}\n", error);
  });
}

}  // namespace sallyport::app
