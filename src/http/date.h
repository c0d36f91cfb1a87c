// Dates as HTTP writes them (RFC 9110 section 5.6.7). Locale-free, no allocation; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::http {

inline constexpr size_t kDateSize = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

// The IMF-fixdate of `unix_seconds`, which lies in the years 1970-9999.
std::array<char, kDateSize> format_date(int64_t unix_seconds);

}  // namespace sallyport::http
