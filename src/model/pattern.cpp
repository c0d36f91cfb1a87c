#include "model/pattern.h"

#include <cstddef>
#include <cstdint>

namespace sallyport::model {
namespace {

constexpr int kMaxSteps = 1'000'000;

bool between(uint8_t c, char low, char high) {
  return c >= static_cast<uint8_t>(low) && c <= static_cast<uint8_t>(high);
}

// The class named by `letter`; false in `known` when it is an escaped literal.
bool in_class(uint8_t c, char letter, bool& known) {
  known = true;
  bool lower = between(c, 'a', 'z'), upper = between(c, 'A', 'Z'), digit = between(c, '0', '9');
  switch (letter) {
    case 'a':
      return lower || upper;
    case 'd':
      return digit;
    case 'l':
      return lower;
    case 'u':
      return upper;
    case 'w':
      return lower || upper || digit;
    case 's':
      return c == ' ' || between(c, '\t', '\r');
    case 'x':
      return digit || between(c, 'a', 'f') || between(c, 'A', 'F');
    case 'c':
      return c < 0x20 || c == 0x7f;
    case 'g':
      return between(c, '!', '~');
    case 'p':
      return between(c, '!', '~') && !(lower || upper || digit);
    default:
      known = false;
      return false;
  }
}

bool escaped_matches(uint8_t c, char letter) {
  bool known = false;
  bool upper = between(static_cast<uint8_t>(letter), 'A', 'Z');
  char lower = upper ? static_cast<char>(letter - 'A' + 'a') : letter;
  bool in = in_class(c, lower, known);
  if (!known) return c == static_cast<uint8_t>(letter);
  return upper ? !in : in;
}

class Matcher {
 public:
  Matcher(std::string_view pattern, std::string_view text) : pattern_(pattern), text_(text) {}

  bool search() {
    bool anchored = pattern_.starts_with('^');
    for (size_t start = 0; start <= text_.size(); ++start) {
      if (match(anchored ? 1 : 0, start)) return true;
      if (anchored || steps_ > kMaxSteps) return false;
    }
    return false;
  }

 private:
  // The end of the single item that begins at `at`.
  size_t item_end(size_t at) const {
    char c = pattern_[at++];
    if (c == '%') return at < pattern_.size() ? at + 1 : at;
    if (c != '[') return at;
    if (at < pattern_.size() && pattern_[at] == '^') ++at;
    for (bool first = true; at < pattern_.size() && (first || pattern_[at] != ']'); first = false) {
      at += pattern_[at] == '%' ? 2 : 1;
    }
    return at < pattern_.size() ? at + 1 : pattern_.size();
  }

  bool set_matches(uint8_t c, std::string_view set) const {  // without the brackets
    bool negated = set.starts_with('^');
    if (negated) set.remove_prefix(1);
    for (size_t i = 0; i < set.size();) {
      bool hit = false;
      if (set[i] == '%' && i + 1 < set.size()) {
        hit = escaped_matches(c, set[i + 1]);
        i += 2;
      } else if (i + 2 < set.size() && set[i + 1] == '-') {
        hit = between(c, set[i], set[i + 2]);
        i += 3;
      } else {
        hit = c == static_cast<uint8_t>(set[i]);
        i += 1;
      }
      if (hit) return !negated;
    }
    return negated;
  }

  bool item_matches(size_t at, size_t end, size_t position) const {
    if (position >= text_.size()) return false;
    auto c = static_cast<uint8_t>(text_[position]);
    switch (pattern_[at]) {
      case '.':
        return true;
      case '%':
        return at + 1 < end && escaped_matches(c, pattern_[at + 1]);
      case '[':
        return set_matches(c, pattern_.substr(at + 1, end - at - 2));
      default:
        return c == static_cast<uint8_t>(pattern_[at]);
    }
  }

  bool match(size_t at, size_t position) {
    for (;;) {
      if (++steps_ > kMaxSteps) return false;
      if (at == pattern_.size()) return true;
      if (pattern_[at] == '$' && at + 1 == pattern_.size()) return position == text_.size();
      size_t end = item_end(at);
      char repeat = end < pattern_.size() ? pattern_[end] : '\0';
      if (repeat == '*') return most(at, end, position, 0);
      if (repeat == '+') return most(at, end, position, 1);
      if (repeat == '-') return fewest(at, end, position);
      if (repeat == '?') {
        if (item_matches(at, end, position) && match(end + 1, position + 1)) return true;
        at = end + 1;
        continue;
      }
      if (!item_matches(at, end, position)) return false;
      at = end;
      ++position;
    }
  }

  bool most(size_t at, size_t end, size_t position, size_t minimum) {
    size_t count = 0;
    while (item_matches(at, end, position + count)) ++count;
    for (;; --count) {
      if (count < minimum) return false;
      if (match(end + 1, position + count)) return true;
      if (count == 0) return false;
    }
  }

  bool fewest(size_t at, size_t end, size_t position) {
    for (;; ++position) {
      if (match(end + 1, position)) return true;
      if (steps_ > kMaxSteps || !item_matches(at, end, position)) return false;
    }
  }

  std::string_view pattern_;
  std::string_view text_;
  int steps_ = 0;
};

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  return Matcher(pattern, text).search();
}

}  // namespace sallyport::model
