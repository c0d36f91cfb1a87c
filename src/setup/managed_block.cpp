#include "setup/managed_block.h"

#include <fmt/format.h>

namespace sallyport::setup {
namespace {

constexpr std::string_view kBegin = "# >>> sallyport: written by `sallyport postgres setup`";
constexpr std::string_view kEnd = "# <<< sallyport";

struct Span {
  size_t begin = std::string_view::npos;  // of the first mark's line
  size_t body = 0;
  size_t body_end = 0;
  size_t end = 0;  // after the last mark's line
  bool found() const { return begin != std::string_view::npos; }
};

Span find_block(std::string_view text) {
  Span span;
  size_t begin = text.find(kBegin);
  if (begin == std::string_view::npos || (begin > 0 && text[begin - 1] != '\n')) return span;
  size_t body = text.find('\n', begin);
  size_t end = text.find(kEnd, begin + kBegin.size());
  if (body == std::string_view::npos || end == std::string_view::npos || end <= body) return span;
  size_t after = text.find('\n', end);
  return {begin, body + 1, end, after == std::string_view::npos ? text.size() : after + 1};
}

}  // namespace

std::string_view block_of(std::string_view text) {
  Span span = find_block(text);
  return span.found() ? text.substr(span.body, span.body_end - span.body) : std::string_view();
}

std::string_view before_block(std::string_view text) {
  Span span = find_block(text);
  return span.found() ? text.substr(0, span.begin) : std::string_view();
}

std::string without_block(std::string_view text) {
  Span span = find_block(text);
  if (!span.found()) return std::string(text);
  return std::string(text.substr(0, span.begin)) + std::string(text.substr(span.end));
}

std::string with_block(std::string_view text, std::string_view lines, Place place) {
  if (lines.empty()) return without_block(text);
  std::string block = fmt::format("{}\n{}{}\n", kBegin, lines, kEnd);
  Span span = find_block(text);
  if (span.found()) {
    return fmt::format("{}{}{}", text.substr(0, span.begin), block, text.substr(span.end));
  }
  if (place == Place::top) return fmt::format("{}{}", block, text);
  bool ends_line = text.empty() || text.back() == '\n';
  return fmt::format("{}{}{}", text, ends_line ? "" : "\n", block);
}

}  // namespace sallyport::setup
