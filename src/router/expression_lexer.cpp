#include "router/expression_lexer.h"

#include <algorithm>
#include <array>

namespace sallyport::router {
namespace {

constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

constexpr bool is_name(char c) {
  return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}

// Longer ones first.
constexpr std::array<std::string_view, 14> kSymbols = {
    "&&", "||", "==", "!=", "^=", "=^", ">=", "<=", "(", ")", "!", "~", ">", "<"};

// An address of version 6 may begin with a letter ("fd00::1"): what has a colon before anything
// that no address has is one, for no name has a colon.
bool begins_address(std::string_view rest) {
  const size_t end = std::ranges::find_if_not(rest, is_hex) - rest.begin();
  return end < rest.size() && rest[end] == ':' && end <= 4;
}

size_t number_size(std::string_view rest) {
  size_t size = rest.starts_with('-') ? 1 : 0;
  while (size < rest.size() && (is_hex(rest[size]) || rest[size] == '.' || rest[size] == ':' ||
                                rest[size] == 'x' || rest[size] == '/')) {
    ++size;
  }
  return size;
}

}  // namespace

void ExpressionLexer::skip_blanks() {
  at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
}

Token ExpressionLexer::take(Token::Kind kind, size_t size) {
  Token token{.kind = kind, .at = at_, .source = text_.substr(at_, size)};
  at_ += size;
  return token;
}

Token ExpressionLexer::next() {
  skip_blanks();
  if (at_ == text_.size()) return take(Token::Kind::end, 0);
  const std::string_view rest = text_.substr(at_);
  const char c = rest.front();
  if (c == '"') return plain_text();
  if (rest.starts_with("r#\"")) return raw_text();
  const bool negative = c == '-' && rest.size() > 1 && is_digit(rest[1]);
  if (is_digit(c) || negative || c == ':' || begins_address(rest)) {
    return take(Token::Kind::number, number_size(rest));
  }
  if (is_lower(c)) {
    return take(Token::Kind::word, std::ranges::find_if_not(rest, is_name) - rest.begin());
  }
  for (std::string_view symbol : kSymbols) {
    if (rest.starts_with(symbol)) return take(Token::Kind::symbol, symbol.size());
  }
  return take(Token::Kind::unknown, 1);
}

Token ExpressionLexer::plain_text() {
  const size_t first = text_.find_first_of("\"\\", at_ + 1);
  if (first != std::string_view::npos && text_[first] == '\\') return escaped_text();
  if (first == std::string_view::npos) return take(Token::Kind::unclosed, text_.size() - at_);
  Token token = take(Token::Kind::text, first + 1 - at_);
  token.value = token.source.substr(1, token.source.size() - 2);
  return token;
}

Token ExpressionLexer::escaped_text() {
  unescaped_.clear();
  for (size_t i = at_ + 1; i < text_.size(); ++i) {
    if (text_[i] == '"') {
      Token token = take(Token::Kind::text, i + 1 - at_);
      token.value = unescaped_;
      return token;
    }
    if (text_[i] != '\\') {
      unescaped_ += text_[i];
      continue;
    }
    ++i;
    constexpr std::string_view kLetters = "nrt\\\"";
    constexpr std::string_view kMeant = "\n\r\t\\\"";
    const size_t which = i < text_.size() ? kLetters.find(text_[i]) : std::string_view::npos;
    if (which == std::string_view::npos) {
      at_ = i - 1;
      return take(Token::Kind::escape, text_.size() - at_);
    }
    unescaped_ += kMeant[which];
  }
  return take(Token::Kind::unclosed, text_.size() - at_);
}

Token ExpressionLexer::raw_text() {
  constexpr size_t kFence = 3;  // r#" in front, "# behind
  const size_t end = text_.find("\"#", at_ + kFence);
  if (end == std::string_view::npos) return take(Token::Kind::unclosed, text_.size() - at_);
  Token token = take(Token::Kind::text, end + 2 - at_);
  token.value = token.source.substr(kFence, token.source.size() - kFence - 2);
  return token;
}

}  // namespace sallyport::router
