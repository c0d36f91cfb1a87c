#include "postgres/sql_text.h"

namespace sallyport::postgres {

namespace {

std::string quoted(std::string_view text, char quote) {
  std::string result(1, quote);
  for (char c : text) {
    if (c == quote) result += quote;
    result += c;
  }
  return result + quote;
}

}  // namespace

std::string quote_name(std::string_view name) {
  return quoted(name, '"');
}

std::string quote_literal(std::string_view text) {
  // E'' because a backslash means itself only while standard_conforming_strings is on.
  return "E" + substitute(quoted(text, '\''), "\\", "\\\\");
}

std::string array_literal(std::span<const std::string> values) {
  std::string result = "{";
  for (const std::string& value : values) {
    if (result.size() > 1) result += ',';
    result += '"';
    for (char c : value) {
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
    result += '"';
  }
  return result + "}";
}

std::string substitute(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  size_t start = 0;
  for (size_t at = text.find(from); at != text.npos; at = text.find(from, start)) {
    result.append(text.substr(start, at - start)).append(to);
    start = at + from.size();
  }
  return result.append(text.substr(start));
}

}  // namespace sallyport::postgres
