#include "setup/child_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errno_text.h"

namespace sallyport::setup {
namespace {

constexpr size_t kMostOutput = 1 << 20;

std::vector<std::string> environment_of(const std::optional<Account>& as) {
  std::vector<std::string> environment;
  for (const char* name : {"PATH", "LANG", "TZ", "TERM", "NO_COLOR"}) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): commands have one thread.
    if (const char* value = std::getenv(name))
      environment.push_back(fmt::format("{}={}", name, value));
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* home = std::getenv("HOME");
  environment.push_back(fmt::format("HOME={}", as || home == nullptr ? "/" : home));
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& string : strings) out.push_back(string.data());
  out.push_back(nullptr);
  return out;
}

[[noreturn]] void become(const std::optional<Account>& as, std::vector<std::string> arguments,
                         std::vector<std::string> environment, int output, pid_t parent) {
  int null = open("/dev/null", O_RDONLY);
  dup2(null, 0);
  if (output >= 0) {
    dup2(output, 1);
    dup2(output, 2);
  }
  bool changed = !as || (chdir("/") == 0 && initgroups(as->name.c_str(), as->gid) == 0 &&
                         setgid(as->gid) == 0 && setuid(as->uid) == 0);
  // A program goes with the one who waits for it, so that the next run finds nobody at work. After
  // setuid, which forgets it; a server that the program leaves behind is not concerned.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  if (changed)
    execve(arguments[0].c_str(), pointers(arguments).data(), pointers(environment).data());
  dprintf(2, "cannot run %s: %s\n", arguments[0].c_str(), errno_text(errno));
  _exit(127);
}

}  // namespace

Result<Account> find_account(const std::string& name) {
  struct passwd entry;
  struct passwd* found = nullptr;
  std::array<char, 4096> buffer;
  int error = name.empty() ? getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found)
                           : getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0 || found == nullptr) {
    return fail("setup.account", Side::config,
                name.empty() ? fmt::format("no account has the uid {}", geteuid())
                             : fmt::format("there is no user '{}'", name));
  }
  return Account{entry.pw_uid, entry.pw_gid, entry.pw_name};
}

Result<Finished> run(const std::vector<std::string>& arguments, const std::optional<Account>& as,
                     bool show) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return fail("setup.process", Side::internal, fmt::format("pipe: {}", errno_text(errno)));
  }
  std::optional<Account> other = as && as->uid != geteuid() ? as : std::nullopt;
  auto environment = environment_of(other);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child < 0) {
    return fail("setup.process", Side::internal, fmt::format("fork: {}", errno_text(errno)));
  }
  if (child == 0) become(other, arguments, std::move(environment), show ? -1 : ends[1], parent);
  close(ends[1]);

  // Not to the end of the pipe: a server that the program leaves behind may hold it open.
  Finished finished;
  int status = 0;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  std::array<char, 4096> buffer;
  auto drain = [&] {
    for (ssize_t n; (n = read(ends[0], buffer.data(), buffer.size())) > 0;) {
      if (finished.output.size() < kMostOutput) {
        finished.output.append(buffer.data(), static_cast<size_t>(n));
      }
    }
  };
  while (waitpid(child, &status, WNOHANG) == 0) {
    drain();
    usleep(5000);
  }
  drain();
  close(ends[0]);
  finished.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

}  // namespace sallyport::setup
