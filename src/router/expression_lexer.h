// Cuts an expression into words, operators and literals, each with its place. Views point into the
// text, which outlives the lexer; the value of a text with escapes holds until the next token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::router {

struct Token {
  enum class Kind : uint8_t {
    end,
    word,      // a field or function, `in`, `not`, `contains`
    text,      // "..." or r#"..."#; `value` is what it stands for
    number,    // digits, dots and colons: integers and addresses, told apart by who reads them
    symbol,    // ( ) ! && || == != ~ ^= =^ >= > <= <
    unknown,   // one character that begins nothing
    unclosed,  // a text without its end
    escape,    // a text with an escape that there is none of, at `at`
  };
  Kind kind = Kind::end;
  size_t at = 0;  // offset of the first byte
  std::string_view source;
  std::string_view value{};
};

class ExpressionLexer {
 public:
  explicit ExpressionLexer(std::string_view text) : text_(text) {}
  Token next();

 private:
  void skip_blanks();
  Token plain_text();
  Token escaped_text();
  Token raw_text();
  Token take(Token::Kind kind, size_t size);

  std::string_view text_;
  size_t at_ = 0;
  std::string unescaped_;
};

}  // namespace sallyport::router
