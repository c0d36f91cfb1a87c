#include "postgres/ssl_answer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

namespace sallyport::postgres {
namespace {

using Kind = SslAnswer::Kind;

SslAnswer after(std::string_view bytes, bool closed = false) {
  int pair[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  EXPECT_EQ(write(pair[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  if (closed) close(pair[1]);
  SslAnswer answer = peek_ssl_answer(pair[0]);
  char left[64];
  if (!bytes.empty())
    EXPECT_GT(recv(pair[0], left, sizeof left, MSG_DONTWAIT), 0) << "it was taken";
  close(pair[0]);
  if (!closed) close(pair[1]);
  return answer;
}

TEST(SslAnswer, TellsWhatCame) {
  EXPECT_EQ(after("").kind, Kind::none);
  EXPECT_EQ(after("", true).kind, Kind::closed);
  EXPECT_EQ(after("S").kind, Kind::yes);
  EXPECT_EQ(after("N").kind, Kind::no);
  EXPECT_EQ(after("Esomething").kind, Kind::error);
  EXPECT_EQ(after("SR").kind, Kind::injected);
  EXPECT_EQ(after("NE").kind, Kind::injected);
  EXPECT_EQ(after("X").kind, Kind::garbage);
  EXPECT_EQ(after("s").kind, Kind::garbage);
  EXPECT_EQ(after("n").kind, Kind::garbage);
  EXPECT_EQ(after(std::string_view("\0", 1)).kind, Kind::garbage);
}

TEST(SslAnswer, QuotesItsBytesSafely) {
  SslAnswer answer = after("HTTP/1.1 400\r\n\x1b[31m");
  EXPECT_EQ(answer.byte, 'H');
  EXPECT_EQ(answer.excerpt, "HTTP/1.1 400\\x0d\\x0a\\x1b[31m");
}

}  // namespace
}  // namespace sallyport::postgres
