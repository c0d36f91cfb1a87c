#include "app/reload_report.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"

namespace sallyport::app {
namespace {

std::string path_of(const std::string& prefix) {
  return prefix + "/pids/sallyport.reload";
}

std::string identity(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return "";
  return fmt::format("{}:{}.{}", status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

}  // namespace

// The file's name in the first line, the fault behind it.
void ReloadReport::write(const std::string& prefix, const ReloadAnswer& answer) {
  (void)write_file_atomically(path_of(prefix), answer.file + "\n" + answer.fault + "\n", 0644);
}

ReloadReport::ReloadReport(const std::string& prefix)
    : path_(path_of(prefix)), before_(identity(path_)) {}

std::optional<ReloadAnswer> ReloadReport::look() const {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (std::string now = identity(path_); now.empty() || now == before_) return std::nullopt;
  auto content = read_file(path_, 1 << 20);
  if (!content) return std::nullopt;
  const size_t line = std::min(content->find('\n'), content->size());
  return ReloadAnswer{.fault = std::string(text::trim(std::string_view(*content).substr(line))),
                      .file = content->substr(0, line)};
}

}  // namespace sallyport::app
