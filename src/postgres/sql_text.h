// Names inside SQL text. Values never get there: they are bound parameters.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sallyport::postgres {

// "a"b" -> "a""b" in double quotes.
std::string quote_name(std::string_view name);

// 'it''s' in single quotes, for the few statements that take no parameters (triggers, LISTEN).
std::string quote_literal(std::string_view text);

// A PostgreSQL array literal, to bind: {"a","b \"c\""}.
std::string array_literal(std::span<const std::string> values);

// Replaces every `from` in an SQL template.
std::string substitute(std::string_view text, std::string_view from, std::string_view to);

}  // namespace sallyport::postgres
