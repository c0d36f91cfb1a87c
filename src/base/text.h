// Small operations on text that every folder needs. ASCII only, locale-free, no allocation unless
// the result is a std::string. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::text {

// Without blanks, tabs and line ends on either side.
std::string_view trim(std::string_view s);

// The parts between separators; keeps empty parts ("a,,b" -> "a", "", "b"; "" -> "").
std::vector<std::string_view> split(std::string_view s, char separator);

// The trimmed, non-empty parts of a comma separated list: how kong.conf writes lists.
std::vector<std::string_view> list(std::string_view s);

std::string join(std::span<const std::string> parts, std::string_view separator);

char lower(char c);
std::string lower(std::string_view s);
bool equals_ignore_case(std::string_view a, std::string_view b);

// The whole of `s` as a decimal integer; nothing on any other character or overflow.
std::optional<int64_t> to_integer(std::string_view s);

// The whole of `s` as a decimal number ("1", "0.5", "1e3"); nothing otherwise, nothing for inf/nan.
std::optional<double> to_number(std::string_view s);

// The candidate with the smallest edit distance to `word`, if that distance is small enough to be a
// typo (at most a third of the word, at least 1); used by "did you mean" messages.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates);

std::string hex(std::span<const uint8_t> bytes);
std::string base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view s);

// True for well-formed UTF-8 without overlong forms and surrogates (RFC 3629).
bool valid_utf8(std::string_view s);

}  // namespace sallyport::text
