#include "http/h1_writer.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "http/date.h"
#include "http/status.h"

namespace sallyport::http {
namespace {

TEST(Writer, WritesHeads) {
  std::array<char, 200> room;
  HeadWriter writer(room);
  writer.status_line(404);
  writer.field("Content-Length", uint64_t{18446744073709551615U});
  writer.field("X-Empty", "");
  EXPECT_TRUE(writer.checked_field("X-Data", "a\tb"));
  writer.end();
  EXPECT_FALSE(writer.overflowed());
  EXPECT_EQ(writer.text(),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 18446744073709551615\r\nX-Empty: \r\n"
            "X-Data: a\tb\r\n\r\n");
  HeadWriter request(room);
  request.request_line("GET", "/a?b");
  EXPECT_EQ(request.text(), "GET /a?b HTTP/1.1\r\n");
}

TEST(Writer, RefusesInjection) {
  std::array<char, 200> room;
  HeadWriter writer(room);
  using namespace std::string_view_literals;
  for (std::string_view value : {"a\r\nX: y"sv, "a\n"sv, "a\r"sv, "a\0"sv, "a\x7f"sv}) {
    EXPECT_FALSE(writer.checked_field("X", value));
  }
  for (std::string_view name : {""sv, "a b"sv, "a:"sv, "a\r\n"sv, "\xc3"sv}) {
    EXPECT_FALSE(writer.checked_field(name, "v"));
  }
  EXPECT_EQ(writer.size(), 0u);
}

TEST(Writer, NeverWritesBeyondItsRoom) {
  for (size_t size = 0; size < 40; ++size) {
    std::string room(size, '.');
    HeadWriter writer(room);
    writer.status_line(200);
    writer.field("A", "b");
    writer.field("C", uint64_t{1});
    writer.end();
    EXPECT_EQ(writer.overflowed(), size < 17 + 6 + 6 + 2) << size;
    EXPECT_LE(writer.size(), size);
  }
}

TEST(Writer, ChunkHeads) {
  std::array<char, kMaxChunkHead> room;
  auto text = [&room](uint64_t size) {
    return std::string(room.data(), write_chunk_head(room, size));
  };
  EXPECT_EQ(text(26), "1a\r\n");
  EXPECT_EQ(text(UINT64_MAX), "ffffffffffffffff\r\n");
}

TEST(Writer, ReasonPhrases) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(494), "Request Header Or Cookie Too Large");
  EXPECT_EQ(reason_phrase(599), "Unknown");
  EXPECT_EQ(reason_phrase(-1), "Unknown");
  EXPECT_EQ(reason_phrase(1000), "Unknown");
}

TEST(Writer, Dates) {
  auto text = [](int64_t seconds) {
    auto date = format_date(seconds);
    return std::string(date.data(), date.size());
  };
  EXPECT_EQ(text(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(text(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(text(1709210096), "Thu, 29 Feb 2024 12:34:56 GMT");
}

}  // namespace
}  // namespace sallyport::http
