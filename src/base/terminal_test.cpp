#include "base/terminal.h"

#include <gtest/gtest.h>

namespace sallyport {
namespace {

TEST(Terminal, PrintableLeavesTextAndTakesWhatSteers) {
  EXPECT_EQ(printable("k\xc3\xb6ng, \xe2\x94\x94 \xf0\x9f\x94\x91"),
            "k\xc3\xb6ng, \xe2\x94\x94 \xf0\x9f\x94\x91");
  EXPECT_EQ(printable("\x1b[31mred\x07\n"), "?[31mred??");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a?b");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");
  EXPECT_EQ(printable("\xff\xc3"), "??");
  EXPECT_EQ(printable("\xe2\x94"), "??");
  EXPECT_EQ(printable(""), "");
}

TEST(Terminal, PaintsOnlyInColour) {
  EXPECT_EQ(TextStyle{}.paint(Colour::red, "x"), "x");
  TextStyle style;
  style.colour = true;
  EXPECT_EQ(style.paint(Colour::red, "x"), "\033[31mx\033[0m");
  EXPECT_EQ(style.paint(Colour::plain, "x"), "x");
}

}  // namespace
}  // namespace sallyport
