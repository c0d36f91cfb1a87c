#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "http/h1_reader.h"

namespace sallyport::http {
namespace {

struct Outcome {
  ParseStatus status = ParseStatus::need_more;
  ParseFault fault;
  std::unique_ptr<ResponseHead> head = std::make_unique<ResponseHead>();
};

Outcome read_at_once(std::string_view bytes, Method method = Method::get) {
  Outcome out;
  uint32_t scanned = 0;
  out.status = read_response(bytes, {}, method, scanned, *out.head, out.fault);
  return out;
}

Outcome read_by_bytes(std::string_view bytes, Method method = Method::get) {
  Outcome out;
  uint32_t scanned = 0;
  for (size_t size = 0; size <= bytes.size(); ++size) {
    std::string part(bytes.substr(0, size));
    out.status = read_response(part, {}, method, scanned, *out.head, out.fault);
    if (out.status != ParseStatus::need_more) break;
  }
  return out;
}

TEST(Response, ReadsATypicalHead) {
  Outcome out = read_at_once(
      "HTTP/1.1 404 Not Found at all\r\nServer: x\r\nContent-Length: 12\r\nDate: now\r\n\r\nbody");
  ASSERT_EQ(out.status, ParseStatus::complete);
  EXPECT_EQ(out.head->status, 404);
  EXPECT_EQ(out.head->reason, "Not Found at all");
  EXPECT_EQ(out.head->framing, BodyFraming::length);
  EXPECT_EQ(out.head->content_length, 12u);
  EXPECT_EQ(out.head->header_count, 3);
  EXPECT_EQ(out.head->find(HeaderId::date)->value, "now");
  EXPECT_TRUE(out.head->keep_alive);
}

struct Row {
  std::string_view text;
  Method method;
  BodyFraming framing;
  bool keep_alive;
};

TEST(Response, DecidesTheBody) {
  using enum BodyFraming;
  const Row kTable[] = {
      {"HTTP/1.1 200 OK\r\n\r\n", Method::get, until_close, false},
      {"HTTP/1.1 200\r\n\r\n", Method::get, until_close, false},
      {"HTTP/1.1 200 \r\n\r\n", Method::get, until_close, false},
      {"HTTP/1.1 200 caf\xc3\xa9\t!\r\n\r\n", Method::get, until_close, false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", Method::get, length, false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n", Method::get,
       length, true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Method::get, length, true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::get, chunked, true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", Method::get,
       chunked, false},
      {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", Method::head, none, true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::head, none, true},
      {"HTTP/1.1 200 OK\r\n\r\n", Method::head, none, true},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", Method::get, none, true},
      {"HTTP/1.1 204 No Content\r\n\r\n", Method::get, none, true},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", Method::get, none, true},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", Method::get, none, false},
      {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", Method::get, none, false},
      {"HTTP/1.1 100 Continue\r\n\r\n", Method::post, none, true},
      {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", Method::get, none, true},
      {"HTTP/1.1 200 OK\r\n\r\n", Method::connect, none, true},
      {"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n", Method::connect, length, true},
  };
  for (const Row& row : kTable) {
    for (const Outcome& out :
         {read_at_once(row.text, row.method), read_by_bytes(row.text, row.method)}) {
      ASSERT_EQ(out.status, ParseStatus::complete) << row.text << out.fault.reason;
      EXPECT_EQ(out.head->framing, row.framing) << row.text;
      EXPECT_EQ(out.head->keep_alive, row.keep_alive) << row.text;
      EXPECT_EQ(out.head->size, row.text.size());
    }
  }
}

TEST(Response, RefusesBrokenHeads) {
  for (std::string_view text : {
           "HTTP/1.1 20 OK\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n",
           "HTTP/1.1 099 OK\r\n\r\n",
           "HTTP/1.1  200 OK\r\n\r\n",
           "HTTP/1.1\t200 OK\r\n\r\n",
           "HTTP/2.0 200 OK\r\n\r\n",
           "http/1.1 200 OK\r\n\r\n",
           "ICY 200 OK\r\n\r\n",
           " HTTP/1.1 200 OK\r\n\r\n",
           "\r\nHTTP/1.1 200 OK\r\n\r\n",
           "HTTP/1.1 200 OK\n\n",
           "HTTP/1.1 200 O\x01K\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1,1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       }) {
    Outcome whole = read_at_once(text);
    Outcome bytes = read_by_bytes(text);
    EXPECT_EQ(whole.status, ParseStatus::error) << text;
    EXPECT_EQ(bytes.status, ParseStatus::error) << text;
    EXPECT_EQ(whole.fault.status, 502);
    EXPECT_EQ(whole.fault.reason, bytes.fault.reason) << text;
    // A body that cannot be there does not make the head any better.
    EXPECT_EQ(read_at_once(text, Method::head).status, ParseStatus::error) << text;
  }
}

}  // namespace
}  // namespace sallyport::http
