#include "http/scan.h"

#include <cstring>
#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "http/character.h"

namespace sallyport::http {
namespace {

// Sizes 0-200 from exact allocations (ASan sees any read beyond them), all byte values.
TEST(Scan, AllVersionsAgree) {
  std::mt19937 random(7);
  for (const scan::Version& version : scan::versions()) {
    if (!version.usable) continue;
    for (size_t size = 0; size <= 200; ++size) {
      auto bytes = std::make_unique<char[]>(size);
      for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(random());
      scan::Block expected[4], found[4];
      scan::classify_scalar(bytes.get(), size, expected);
      version.classify(bytes.get(), size, found);
      ASSERT_EQ(std::memcmp(expected, found, (size + 63) / 64 * sizeof(scan::Block)), 0)
          << version.name << " " << size;
    }
    std::string all(256, '\0');
    for (size_t i = 0; i < 256; ++i) all[i] = static_cast<char>(i);
    scan::Block found[4];
    version.classify(all.data(), 256, found);
    for (size_t i = 0; i < 256; ++i) {
      bool control = (i < 0x20 && i != 9) || i == 0x7f;
      bool token = std::isalnum(static_cast<int>(i)) != 0 ||
                   (i != 0 && std::strchr("!#$%&'*+-.^_`|~", static_cast<int>(i)) != nullptr);
      EXPECT_EQ((found[i / 64].control >> (i % 64) & 1) != 0, control) << version.name << i;
      EXPECT_EQ((found[i / 64].non_token >> (i % 64) & 1) != 0, !token) << version.name << i;
    }
  }
}

TEST(Scan, WindowFindsForwardAndBack) {
  std::string text(2000, 'a');
  text[63] = '\r';
  text[1500] = '\n';
  scan::Window window(text);
  EXPECT_EQ(window.control(0), 63u);
  EXPECT_EQ(window.control(64), 1500u);
  EXPECT_EQ(window.non_token(10), 63u);
  EXPECT_EQ(window.control(1501), 2000u);
  EXPECT_EQ(scan::Window("").control(0), 0u);
}

}  // namespace
}  // namespace sallyport::http
