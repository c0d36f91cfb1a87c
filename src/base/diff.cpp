#include "base/diff.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

namespace sallyport {
namespace {

constexpr size_t kContext = 3;

struct Line {
  char sign;  // ' ', '-', '+'
  std::string_view text;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

// The script of the longest common subsequence.
std::vector<Line> compare(const std::vector<std::string_view>& a,
                          const std::vector<std::string_view>& b) {
  size_t width = b.size() + 1;
  std::vector<uint32_t> common((a.size() + 1) * width);  // of the suffixes a[i..], b[j..]
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t j = b.size(); j-- > 0;) {
      common[i * width + j] =
          a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1
                       : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  std::vector<Line> script;
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      script.push_back({' ', a[i]});
      ++i;
      ++j;
    } else if (j == b.size() ||
               (i < a.size() && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      script.push_back({'-', a[i++]});
    } else {
      script.push_back({'+', b[j++]});
    }
  }
  return script;
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after, std::string_view name) {
  if (before == after) return "";
  std::vector<Line> script = compare(lines_of(before), lines_of(after));
  std::string out = fmt::format("--- {}\n+++ {}\n", name, name);
  size_t at = 0;
  size_t old_line = 1;
  size_t new_line = 1;
  while (at < script.size()) {
    if (script[at].sign == ' ') {
      ++at, ++old_line, ++new_line;
      continue;
    }
    size_t begin = at - std::min(at, kContext);
    size_t end = at;  // one past the last changed line of the hunk
    for (size_t k = at; k < script.size() && k <= end + 2 * kContext; ++k) {
      if (script[k].sign != ' ') end = k + 1;
    }
    size_t stop = std::min(script.size(), end + kContext);
    size_t old_begin = old_line - (at - begin);
    size_t new_begin = new_line - (at - begin);
    size_t old_count = 0;
    size_t new_count = 0;
    std::string body;
    for (size_t k = begin; k < stop; ++k) {
      old_count += script[k].sign != '+';
      new_count += script[k].sign != '-';
      body += fmt::format("{}{}\n", script[k].sign, script[k].text);
    }
    out += fmt::format("@@ -{},{} +{},{} @@\n{}", old_begin, old_count, new_begin, new_count, body);
    old_line = old_begin + old_count;
    new_line = new_begin + new_count;
    at = stop;
  }
  return out;
}

}  // namespace sallyport
