// The shapes that one string, or one item of a list, may have to have: addresses, names, URLs.
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "conf/directives.h"

namespace sallyport::conf {

enum class Family : uint8_t { none, ipv4, ipv6 };

// What kind of literal address `text` is (IPv6 without brackets).
Family family(std::string_view text);

// "[::1]" -> "::1"; anything else as it is.
std::string_view without_brackets(std::string_view text);

// A whole port number, 1 to 65535.
std::optional<uint16_t> to_port(std::string_view text);

// "128m" -> bytes; k, m, g in either case.
std::optional<int64_t> to_bytes(std::string_view text);

// "1h30m", "45", "500ms" -> seconds, as nginx reads times.
std::optional<double> to_seconds(std::string_view text);

// Whether `item` has the form that `row` asks for; puts it into its normal form. Returns what is
// expected ("an address such as 10.0.0.1, or 10.0.0.1:53") when it has not.
std::optional<std::string> check_form(const Directive& row, std::string& item);

}  // namespace sallyport::conf
