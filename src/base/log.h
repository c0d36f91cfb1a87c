// The log. Lines go to standard error or a file through spdlog; the first call of start() decides,
// before it lines go to standard error at `notice`. Any thread; a line costs nothing when its level
// is off. Never give it a secret: Secret has no formatter, on purpose.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace sallyport::log {

// Kong's words (`log_level`), most verbose first.
enum class Level : uint8_t { debug, info, notice, warn, error, crit, alert, emerg };

// The level named by a `log_level` word; false when the word is none.
bool parse_level(std::string_view word, Level& out);
std::string_view name(Level level);

// Sends lines to `path` ("" or "/dev/stderr": standard error). Call before other threads start.
// False when the file cannot be opened (errno says why); the log stays where it was.
bool start(std::string_view path, Level level);

// Opens the file anew, after logrotate moved it. Any thread.
void reopen();

void set_level(Level level);
Level level();

void write(Level level, std::string_view line);

template <typename... Args>
void at(Level wanted, fmt::format_string<Args...> format, Args&&... args) {
  if (wanted >= level()) write(wanted, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::debug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::info, format, std::forward<Args>(args)...);
}
template <typename... Args>
void notice(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::notice, format, std::forward<Args>(args)...);
}
template <typename... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::warn, format, std::forward<Args>(args)...);
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::error, format, std::forward<Args>(args)...);
}

}  // namespace sallyport::log
