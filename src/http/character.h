// Which bytes may stand where in HTTP (RFC 9110 section 5.6.2, RFC 3986), as tables made at compile
// time. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sallyport::http {

enum CharacterClass : uint8_t {
  kToken = 1,       // tchar: names of methods and header fields
  kControl = 2,     // 0x00-0x1f without HT, and 0x7f: never inside a line
  kTarget = 4,      // may stand in a request target: no blank, no control, no '#'
  kHost = 8,        // reg-name without percent-encoding and without ','
  kUnreserved = 16  // RFC 3986 section 2.3
};

constexpr std::array<uint8_t, 256> make_character_table() {
  std::array<uint8_t, 256> table{};
  for (int c = 0; c < 256; ++c) {
    uint8_t bits = 0;
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool digit = c >= '0' && c <= '9';
    auto in = [c](std::string_view set) {
      return c != 0 && c < 128 && set.find(static_cast<char>(c)) != std::string_view::npos;
    };
    if (letter || digit || in("!#$%&'*+-.^_`|~")) bits |= kToken;
    if ((c < 0x20 && c != '\t') || c == 0x7f) bits |= kControl;
    if (c > 0x20 && c != 0x7f && c != '#') bits |= kTarget;
    if (letter || digit || in("-._~!$&'()*+;=")) bits |= kHost;
    if (letter || digit || in("-._~")) bits |= kUnreserved;
    table[static_cast<size_t>(c)] = bits;
  }
  return table;
}

inline constexpr std::array<uint8_t, 256> kCharacters = make_character_table();

constexpr bool is(char c, CharacterClass wanted) {
  return (kCharacters[static_cast<uint8_t>(c)] & wanted) != 0;
}

constexpr bool all_of(std::string_view s, CharacterClass wanted) {
  for (char c : s) {
    if (!is(c, wanted)) return false;
  }
  return true;
}

constexpr char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace sallyport::http
