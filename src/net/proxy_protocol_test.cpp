#include "net/proxy_protocol.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::net {
namespace {

// "error", "more", "local", or the source's address; every shorter piece must want more.
std::string read(std::string_view bytes, std::string_view behind = "GET /") {
  ProxyHeader header;
  const std::string all = std::string(bytes) + std::string(behind);
  switch (read_proxy_header(all, header)) {
    case ProxyParse::error:
      return "error";
    case ProxyParse::need_more:
      return "more";
    case ProxyParse::complete:
      break;
  }
  EXPECT_EQ(header.size, bytes.size());
  for (size_t size = 0; size < header.size; ++size) {
    ProxyHeader part;
    EXPECT_EQ(read_proxy_header(all.substr(0, size), part), ProxyParse::need_more) << size;
  }
  return header.source ? header.source->text() : "local";
}

TEST(ProxyProtocol, ReadsVersion1) {
  EXPECT_EQ(read("PROXY TCP4 192.0.2.1 192.0.2.2 5678 443\r\n"), "192.0.2.1:5678");
  EXPECT_EQ(read("PROXY TCP6 2001:db8::1 2001:db8::2 5678 443\r\n"), "[2001:db8::1]:5678");
  EXPECT_EQ(read("PROXY UNKNOWN\r\n"), "local");
  EXPECT_EQ(read("PROXY UNKNOWN what ever 1 2\r\n"), "local");
}

TEST(ProxyProtocol, RefusesBrokenVersion1) {
  for (const char* text :
       {"PROXY TCP4 192.0.2.1 192.0.2.2 5678\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 5678 443 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 5678 443 x\r\n", "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 05678 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 65536 1\r\n", "PROXY TCP4 ::1 ::2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP6 [::1] [::2] 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY\r\n", "PROXY \r\n", "GET / HTTP/1.1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n\r\n"}) {
    EXPECT_EQ(read(text), "error") << text;
  }
  EXPECT_EQ(read("PROXY UNKNOWN " + std::string(120, 'x') + "\r\n"), "error");
}

std::string v2(uint8_t command, uint8_t family, const std::string& payload) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += static_cast<char>(command);
  out += static_cast<char>(family);
  out += static_cast<char>(payload.size() >> 8);
  out += static_cast<char>(payload.size());
  return out + payload;
}

const std::string kFour("\xc0\0\2\1\xc0\0\2\2\x16\x2e\1\xbb", 12);

TEST(ProxyProtocol, ReadsVersion2) {
  EXPECT_EQ(read(v2(0x21, 0x11, kFour)), "192.0.2.1:5678");
  EXPECT_EQ(read(v2(0x21, 0x11, kFour + std::string("\4\0\2ab", 5))), "192.0.2.1:5678");
  const std::string six = std::string("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16) +
                          std::string(16, '\0') + std::string("\x16\x2e\1\xbb", 4);
  EXPECT_EQ(read(v2(0x21, 0x21, six)), "[2001:db8::1]:5678");
  EXPECT_EQ(read(v2(0x20, 0x11, kFour)), "local");
  EXPECT_EQ(read(v2(0x20, 0x00, "")), "local");
  EXPECT_EQ(read(v2(0x21, 0x31, std::string(216, 'x'))), "local");
}

TEST(ProxyProtocol, RefusesBrokenVersion2) {
  EXPECT_EQ(read(v2(0x11, 0x11, kFour)), "error");
  EXPECT_EQ(read(v2(0x22, 0x11, kFour)), "error");
  EXPECT_EQ(read(v2(0x21, 0x12, kFour)), "error");
  EXPECT_EQ(read(v2(0x21, 0x21, kFour)), "error");
  EXPECT_EQ(read(v2(0x21, 0x11, "short")), "error");
  EXPECT_EQ(read(v2(0x21, 0x11, kFour + std::string(5'000, 'x'))), "error");
  EXPECT_EQ(read(v2(0x21, 0x11, kFour).substr(0, 20), ""), "more");
}

}  // namespace
}  // namespace sallyport::net
