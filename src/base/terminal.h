// How to write for the reader at the other end of a descriptor: colour on a terminal only and never
// with NO_COLOR (https://no-color.org), line drawing where the locale is UTF-8. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace sallyport {

enum class Colour : uint8_t { plain, bold, dim, red, green, yellow, cyan };

struct TextStyle {
  bool colour = false;
  bool line_drawing = false;  // UTF-8 boxes and marks; ASCII otherwise
  int columns = 80;           // width to wrap at

  // `text` in a colour, or as it is.
  std::string paint(Colour colour, std::string_view text) const;
};

// What suits a descriptor (1: standard output). A pipe gets plain ASCII.
TextStyle text_style(int descriptor);

// `text` without what could steer a terminal: control characters and bytes that are not UTF-8
// become
// `?`. For everything that a stranger chose, such as the names in a certificate.
std::string printable(std::string_view text);

// Asks for a secret on the controlling terminal, without echo. Errors: "terminal.none" when there
// is no terminal, "terminal.interrupted" (^C), "terminal.read".
Result<Secret> ask_secret(std::string_view prompt);

}  // namespace sallyport
