#include <string>

#include <gtest/gtest.h>

#include "http/h1_reader.h"

namespace sallyport::http {
namespace {

struct Outcome {
  ParseStatus status = ParseStatus::need_more;
  std::string data;
  size_t consumed = 0;
  std::string_view reason;
};

Outcome read_in_pieces(std::string_view bytes, size_t piece, const Limits& limits = {}) {
  Outcome out;
  ChunkedReader reader;
  ParseFault fault;
  while (out.consumed < bytes.size() && out.status == ParseStatus::need_more) {
    std::string part(bytes.substr(out.consumed, piece));
    ChunkedReader::Step step = reader.next(part, limits, fault);
    out.status = step.status;
    out.data += step.data;
    out.consumed += step.consumed;
    out.reason = fault.reason;
  }
  return out;
}

TEST(Chunked, TakesBodiesApartAcrossAnyCut) {
  std::string_view text =
      "5\r\nhello\r\n1;name=\"v;w\"\r\n \r\n00A\r\n0123456789\r\n0\r\nX-T: 1\r\nY:\r\n\r\nnext";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    Outcome out = read_in_pieces(text, piece);
    ASSERT_EQ(out.status, ParseStatus::complete) << piece << out.reason;
    EXPECT_EQ(out.data, "hello 0123456789");
    EXPECT_EQ(text.substr(out.consumed), "next");
  }
}

TEST(Chunked, AnEmptyBody) {
  Outcome out = read_in_pieces("0\r\n\r\n", 3);
  EXPECT_EQ(out.status, ParseStatus::complete);
  EXPECT_EQ(out.data, "");
}

TEST(Chunked, RefusesWhatOthersMayReadDifferently) {
  for (std::string_view text : {
           "\r\n",
           "x\r\n",
           "0x5\r\nhello\r\n",
           "+5\r\n",
           "-5\r\n",
           " 5\r\n",
           "5 \r\n",
           "5\t\r\n",
           "5\nhello",
           "5\r\r\n",
           "5\rhello",
           "5 ;a\r\n",
           ";a\r\n",
           "5;a\nhello",
           "5;a\rb\n",
           "5\r\nhelloX\r\n",
           "5\r\nhello\n",
           "5\r\nhello\rX",
           "5\r\nhello0\r\n\r\n",
           "5,5\r\n",
           "FFFFFFFFFFFFFFFF\r\n",
           "10000000000000005\r\n",
           "0000000000000000\r\n",
           "5\r\nhello\r\n\r\n",
           "0\r\n\n",
           "0\n\r\n",
           "0\r\nX\r\n\r\n",
           "0\r\n X: y\r\n\r\n",
           "0\r\nX : y\r\n\r\n",
           "0\r\n: y\r\n\r\n",
           "0\r\nX: y\n\r\n",
           "0\r\nX: y\rZ",
           "0\r\nX: \x01\r\n\r\n",
           "0\r\n\rX",
           "0\r\nX: y\r\n z\r\n\r\n",
       }) {
    EXPECT_EQ(read_in_pieces(text, text.size()).status, ParseStatus::error) << text;
    EXPECT_EQ(read_in_pieces(text, 1).status, ParseStatus::error) << text;
    ParseFault fault;
    EXPECT_EQ(bytes_behind_chunks(text, {}, fault), std::nullopt) << text;
  }
}

TEST(Chunked, LooksAheadWhatLiesBehind) {
  ParseFault fault;
  for (std::string_view text : {"", "5", "5\r\nhel", "5\r\nhello\r\n", "0\r\n\r\n"}) {
    EXPECT_EQ(bytes_behind_chunks(text, {}, fault), 0) << text;
  }
  EXPECT_EQ(bytes_behind_chunks("5\r\nhello\r\n0\r\n\r\nzz", {}, fault), 2);
  EXPECT_EQ(bytes_behind_chunks("0\r\nA: b\r\n\r\n\r\n", {}, fault), 2);
}

TEST(Chunked, KeepsToTheLimits) {
  Limits limits{.max_chunk_line = 10, .max_trailers = 12};
  EXPECT_EQ(read_in_pieces("1;23456789\r\na\r\n0\r\n\r\n", 99, limits).status,
            ParseStatus::complete);
  EXPECT_EQ(read_in_pieces("1;2345678901\r\n", 99, limits).status, ParseStatus::error);
  EXPECT_EQ(read_in_pieces("0\r\nA: 1\r\n\r\n", 99, limits).status, ParseStatus::complete);
  EXPECT_EQ(read_in_pieces("0\r\nA: 1\r\nB: 2\r\nC: 3\r\n", 99, limits).status, ParseStatus::error);
}

}  // namespace
}  // namespace sallyport::http
