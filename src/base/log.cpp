#include "base/log.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace sallyport::log {
namespace {

constexpr std::array<std::string_view, 8> kNames = {"debug", "info", "notice", "warn",
                                                    "error", "crit", "alert",  "emerg"};

std::atomic<Level> current_level = Level::notice;

struct Output {
  std::mutex mutex;
  std::string path;
  std::shared_ptr<spdlog::logger> logger;
};

Output& output() {
  static Output instance;
  return instance;
}

std::shared_ptr<spdlog::logger> make_logger(const std::string& path) {
  spdlog::sink_ptr sink;
  if (path.empty() || path == "/dev/stderr") {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
  }
  auto logger = std::make_shared<spdlog::logger>("sallyport", sink);
  // nginx's error log shape, which Kong's users' log shippers parse.
  logger->set_pattern("%Y/%m/%d %H:%M:%S.%e %v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  return logger;
}

}  // namespace

bool parse_level(std::string_view word, Level& out) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == word) {
      out = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

std::string_view name(Level level) {
  return kNames[static_cast<size_t>(level)];
}

bool start(std::string_view path, Level level) {
  set_level(level);
  std::shared_ptr<spdlog::logger> logger;
  try {
    logger = make_logger(std::string(path));
  } catch (const spdlog::spdlog_ex&) {
    return false;
  }
  std::lock_guard lock(output().mutex);
  output().path = path;
  output().logger = std::move(logger);
  return true;
}

void reopen() {
  std::lock_guard lock(output().mutex);
  if (output().path.empty()) return;
  try {
    output().logger = make_logger(output().path);
  } catch (const spdlog::spdlog_ex&) {
    return;  // the old file stays open: losing the log is worse than writing to the rotated one
  }
}

void set_level(Level level) {
  current_level.store(level, std::memory_order_relaxed);
}
Level level() {
  return current_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view line) {
  std::shared_ptr<spdlog::logger> logger;
  {
    std::lock_guard lock(output().mutex);
    if (!output().logger) output().logger = make_logger("");
    logger = output().logger;
  }
  logger->log(spdlog::level::info, "[{}] {}", name(level), line);
}

}  // namespace sallyport::log
