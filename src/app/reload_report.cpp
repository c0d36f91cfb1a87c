#include "app/reload_report.h"

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

void ReloadReport::write(const std::string& prefix, const std::string& fault) {
  (void)write_file_atomically(path_of(prefix), fault + "\n", 0644);
}

ReloadReport::ReloadReport(const std::string& prefix)
    : path_(path_of(prefix)), before_(identity(path_)) {}

std::optional<std::string> ReloadReport::look() const {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (std::string now = identity(path_); now.empty() || now == before_) return std::nullopt;
  auto content = read_file(path_, 1 << 20);
  if (!content) return std::nullopt;
  return std::string(text::trim(*content));
}

}  // namespace sallyport::app
