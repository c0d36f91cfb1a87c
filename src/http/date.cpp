#include "http/date.h"

#include <algorithm>
#include <chrono>

namespace sallyport::http {

std::array<char, kDateSize> format_date(int64_t unix_seconds) {
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::seconds;
  std::chrono::sys_seconds time{seconds{unix_seconds}};
  auto day = floor<days>(time);
  std::chrono::year_month_day date{day};
  std::chrono::hh_mm_ss clock{time - day};

  std::array<char, kDateSize> out;
  std::string_view("Sun, 00 Jan 0000 00:00:00 GMT").copy(out.data(), kDateSize);
  auto text = [&out](size_t at, std::string_view names, unsigned index) {
    names.substr(size_t{3} * index, 3).copy(&out[at], 3);
  };
  auto two = [&out](size_t at, int64_t number) {
    out[at] = static_cast<char>('0' + number / 10 % 10);
    out[at + 1] = static_cast<char>('0' + number % 10);
  };
  text(0, "SunMonTueWedThuFriSat", std::chrono::weekday{day}.c_encoding());
  two(5, unsigned{date.day()});
  text(8, "JanFebMarAprMayJunJulAugSepOctNovDec", unsigned{date.month()} - 1);
  two(12, int{date.year()} / 100);
  two(14, int{date.year()} % 100);
  two(17, clock.hours().count());
  two(20, clock.minutes().count());
  two(23, clock.seconds().count());
  return out;
}

}  // namespace sallyport::http
