// Dates as people read them. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace sallyport::pki {

std::string date(int64_t unix_seconds);           // "2026-03-01"
std::string date_and_time(int64_t unix_seconds);  // "2026-03-01 12:00:00 UTC"
std::string compact_time(int64_t unix_seconds);   // "20260301T120000Z", for file names

}  // namespace sallyport::pki
