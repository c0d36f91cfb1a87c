#include "pki/calendar.h"

#include <ctime>

namespace sallyport::pki {
namespace {

std::string formatted(int64_t unix_seconds, const char* format) {
  time_t seconds = unix_seconds;
  tm parts{};
  gmtime_r(&seconds, &parts);
  char buffer[64];
  return {buffer, strftime(buffer, sizeof buffer, format, &parts)};
}

}  // namespace

std::string date(int64_t unix_seconds) {
  return formatted(unix_seconds, "%Y-%m-%d");
}

std::string date_and_time(int64_t unix_seconds) {
  return formatted(unix_seconds, "%Y-%m-%d %H:%M:%S UTC");
}

std::string compact_time(int64_t unix_seconds) {
  return formatted(unix_seconds, "%Y%m%dT%H%M%SZ");
}

}  // namespace sallyport::pki
