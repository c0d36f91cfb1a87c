#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "http/h1_reader.h"

namespace sallyport::http {
namespace {

struct Outcome {
  ParseStatus status = ParseStatus::need_more;
  ParseFault fault;
  std::unique_ptr<RequestHead> head = std::make_unique<RequestHead>();
};

Outcome read_at_once(std::string_view bytes, const Limits& limits = {}) {
  Outcome out;
  uint32_t scanned = 0;
  out.status = read_request(bytes, limits, scanned, *out.head, out.fault);
  return out;
}

// Every call sees one byte more, in fresh memory, so that stale views show under ASan.
Outcome read_by_bytes(std::string_view bytes, const Limits& limits = {}) {
  Outcome out;
  uint32_t scanned = 0;
  for (size_t size = 0; size <= bytes.size(); ++size) {
    std::string part(bytes.substr(0, size));
    out.status = read_request(part, limits, scanned, *out.head, out.fault);
    if (out.status != ParseStatus::need_more) break;
  }
  return out;
}

TEST(Request, ReadsATypicalHead) {
  std::string text =
      "POST /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent:curl/8\r\n"
      "X-Odd: \t two words\t \r\nX-Empty:\r\ncontent-length: 5\r\n\r\nhello";
  Outcome out = read_at_once(text);
  ASSERT_EQ(out.status, ParseStatus::complete);
  const RequestHead& head = *out.head;
  EXPECT_EQ(head.method, Method::post);
  EXPECT_EQ(head.method_text, "POST");
  EXPECT_EQ(head.target, "/a/b?c=d");
  EXPECT_EQ(head.host, "example.com:8080");
  EXPECT_EQ(head.size, text.size() - 5);
  ASSERT_EQ(head.header_count, 5);
  EXPECT_EQ(head.headers[2].value, "two words");
  EXPECT_EQ(head.headers[3].value, "");
  EXPECT_EQ(head.find(HeaderId::user_agent)->value, "curl/8");
  EXPECT_EQ(head.find(HeaderId::cookie), nullptr);
  EXPECT_EQ(head.framing, BodyFraming::length);
  EXPECT_EQ(head.content_length, 5u);
  EXPECT_TRUE(head.keep_alive);
}

TEST(Request, TheNextRequestBehindIsLeftAlone) {
  std::string one = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
  Outcome out = read_at_once(one + "GET \x01 garbage");
  ASSERT_EQ(out.status, ParseStatus::complete);
  EXPECT_EQ(out.head->size, one.size());
}

TEST(Request, OneEmptyLineInFrontIsSkipped) {
  Outcome out = read_at_once("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(out.status, ParseStatus::complete);
  EXPECT_EQ(out.head->size, 29u);
  EXPECT_EQ(read_at_once("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").status, ParseStatus::error);
}

struct Accepted {
  std::string_view text;
  std::string_view host;
  BodyFraming framing;
  bool keep_alive;
};

TEST(Request, AcceptsWhatIsUnambiguous) {
  const Accepted kTable[] = {
      {"GET / HTTP/1.0\r\n\r\n", "", BodyFraming::none, false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "", BodyFraming::none, true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", "a", BodyFraming::none, false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", "a",
       BodyFraming::none, false},
      {"GET / HTTP/1.3\r\nHost: a\r\n\r\n", "a", BodyFraming::none, true},
      {"GET http://b.example:81/x HTTP/1.1\r\nHost: a\r\n\r\n", "b.example:81", BodyFraming::none,
       true},
      {"GET HTTPS://b HTTP/1.1\r\nHost: b\r\n\r\n", "b", BodyFraming::none, true},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "a", BodyFraming::none, true},
      {"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "a:443", BodyFraming::none, true},
      {"FROB_1.x /~ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "[::1]:80", BodyFraming::none, true},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", "a",
       BodyFraming::chunked, true},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "a", BodyFraming::length, true},
      {"GET /caf\xc3\xa9|x HTTP/1.1\r\nHost: a_b.c\r\nX: \xff\t\x80\r\n\r\n", "a_b.c",
       BodyFraming::none, true},
  };
  for (const Accepted& row : kTable) {
    for (const Outcome& out : {read_at_once(row.text), read_by_bytes(row.text)}) {
      ASSERT_EQ(out.status, ParseStatus::complete) << row.text << out.fault.reason;
      EXPECT_EQ(out.head->framing, row.framing) << row.text;
      EXPECT_EQ(out.head->keep_alive, row.keep_alive) << row.text;
      EXPECT_EQ(out.head->size, row.text.size()) << row.text;
    }
    EXPECT_EQ(read_at_once(row.text).head->host, row.host);
  }
}

struct Refused {
  std::string_view text;
  int status = 400;
};

void expect_refused(const Refused& row) {
  Outcome whole = read_at_once(row.text);
  Outcome bytes = read_by_bytes(row.text);
  ASSERT_EQ(whole.status, ParseStatus::error) << row.text;
  ASSERT_EQ(bytes.status, ParseStatus::error) << row.text;
  EXPECT_EQ(whole.fault.status, row.status) << row.text << ": " << whole.fault.reason;
  EXPECT_EQ(bytes.fault.status, row.status) << row.text << ": " << bytes.fault.reason;
  EXPECT_EQ(bytes.fault.reason, whole.fault.reason) << row.text;
  EXPECT_FALSE(whole.fault.reason.empty());
}

TEST(Request, RefusesBrokenRequestLines) {
  const Refused kTable[] = {
      {"GET /\r\n"},
      {"GET / \r\n"},
      {"GET  / HTTP/1.1\r\n"},
      {"GET /  HTTP/1.1\r\n"},
      {"GET / HTTP/1.1 \r\n"},
      {" GET / HTTP/1.1\r\n"},
      {"GET\t/ HTTP/1.1\r\n"},
      {"GET /a b HTTP/1.1\r\n"},
      {"GET /a\tb HTTP/1.1\r\n"},
      {"GET /a#b HTTP/1.1\r\n"},
      {"GET /\x7f HTTP/1.1\r\n"},
      {std::string_view("GET /\0 HTTP/1.1\r\n", 18)},
      {"G@T / HTTP/1.1\r\n"},
      {"G\xc3\x89T / HTTP/1.1\r\n"},
      {"GET / http/1.1\r\n"},
      {"GET / HTTP/1\r\n"},
      {"GET / HTTP/1.10\r\n"},
      {"GET / HTTP/11\r\n"},
      {"GET / HTTP/a.1\r\n"},
      {"GET / HTTP/1,1\r\n"},
      {"GET / HTTP /1.1\r\n"},
      {"GET / HTTP/1.1\n"},
      {"GET / HTTP/1.1\rX"},
      {"\nGET / HTTP/1.1\r\n"},
      {"\r\rGET / HTTP/1.1\r\n"},
      {"\x16\x03\x01\x02"},
      {"GET / HTTP/2.0\r\n", 505},
      {"GET / HTTP/0.9\r\n", 505},
      {"GET / HTTP/3.1\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"GET a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"CONNECT http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n"},
  };
  for (const Refused& row : kTable) expect_refused(row);
}

TEST(Request, NamesTheHttp2Preface) {
  EXPECT_EQ(read_at_once("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").fault.reason, kHttp2Preface);
}

// Each of these is put behind a good request line and, where it lacks one, a good Host.
TEST(Request, RefusesBrokenFields) {
  const Refused kTable[] = {
      {"X : a\r\n"},
      {"X\t: a\r\n"},
      {" X: a\r\n"},
      {"X: a\r\n folded\r\n"},
      {"X: a\r\n\tfolded\r\n"},
      {": a\r\n"},
      {"X\r\n"},
      {"X a\r\n"},
      {"X(: a\r\n"},
      {"X\xc3\xa9: a\r\n"},
      {"X: a\n"},
      {"X: a\r"},
      {"X: a\rY: b\r\n"},
      {"X: a\x0b\r\n"},
      {"X: a\x7f\r\n"},
      {std::string_view("X: a\0b\r\n", 8)},
      {std::string_view("X\0: ab\r\n", 8)},
      {"X: a\r\n\n"},
      {"\n"},
      {"Host: b\r\n"},
      {"Host: a\r\n"},
  };
  for (const Refused& row : kTable) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(row.text) + "\r\n";
    expect_refused({text, row.status});
  }
  expect_refused({"GET / HTTP/1.1\r\n\r\n"});
  for (std::string_view host :
       {"",     "a b",     "a/b",      "a\\b",  "u@a", "a,b",      "a?b",  "a:b",
        "a:0",  "a:65536", "a:80:80",  "[::1",  "::1", "[::1]x",   "[zz]", "a%2",
        "a%zz", ":80",     "http://a", "\"a\"", "<a>", "a\xc3\xa9"}) {
    expect_refused({"GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"});
    expect_refused({"GET / HTTP/1.0\r\nHost: " + std::string(host) + "\r\n\r\n"});
  }
}

TEST(Request, RefusesAmbiguousFraming) {
  const Refused kTable[] = {
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"},
      {"Content-Length: 5\r\nContent-Length: 6\r\n"},
      {"Content-Length: 5\r\nContent-Length: 5\r\n"},
      {"Content-Length: 5\r\ncONTENT-lENGTH: 5\r\n"},
      {"Content-Length: 5, 5\r\n"},
      {"Content-Length: +5\r\n"},
      {"Content-Length: -5\r\n"},
      {"Content-Length: 0x5\r\n"},
      {"Content-Length: 5 \t5\r\n"},
      {"Content-Length: 5a\r\n"},
      {"Content-Length: 5.0\r\n"},
      {"Content-Length: \r\n"},
      {"Content-Length: 99999999999999999999\r\n"},
      {"Content-Length: 18446744073709551617\r\n"},
      {"Content_Length: 5\r\n"},
      {"Transfer_Encoding: chunked\r\n"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"},
      {"Transfer-Encoding: chunked, chunked\r\n"},
      {"Transfer-Encoding: chunked, gzip\r\n"},
      {"Transfer-Encoding: chunked, gzip, chunked\r\n"},
      {"Transfer-Encoding: xchunked\r\n"},
      {"Transfer-Encoding: chunkedx\r\n"},
      {"Transfer-Encoding: identity\r\n"},
      {"Transfer-Encoding: \r\n"},
      {"Transfer-Encoding: chunked;q=1\r\n"},
      {"Transfer-Encoding: \"chunked\"\r\n"},
      {"Transfer-Encoding: chunked,\r\n"},
      {"Transfer-Encoding: \x0b"
       "chunked\r\n"},
      {"Transfer-Encoding : chunked\r\n"},
      {"Transfer-Encoding\r\n: chunked\r\n"},
      {"Transfer-Encoding:\r\n chunked\r\n"},
      {"X: y\nTransfer-Encoding: chunked\r\n"},
      {"Transfer-Encoding: gzip, chunked\r\n", 501},
      {"Transfer-Encoding: identity, chunked\r\n"},
      {"Transfer-Encoding: ,chunked\r\n"},
      {"Transfer-Encoding: gzip, x, chunked\r\n"},
      {"Connection: close, Content-Length\r\nContent-Length: 3\r\n"},
      {"Connection: transfer-encoding\r\n"},
      {"Connection: HOST\r\n"},
  };
  for (const Refused& row : kTable) {
    std::string text = "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(row.text) + "\r\n";
    expect_refused({text, row.status});
  }
  expect_refused({"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"});
}

TEST(Request, KeepsToTheLimits) {
  Limits limits{.max_request_line = 20, .max_head = 60, .max_headers = 2};
  auto status_of = [&limits](const std::string& text) {
    Outcome whole = read_at_once(text, limits);
    Outcome bytes = read_by_bytes(text, limits);
    EXPECT_EQ(whole.status, bytes.status) << text;
    EXPECT_EQ(whole.fault.reason, bytes.fault.reason) << text;
    return whole.status == ParseStatus::error ? whole.fault.status : 0;
  };
  EXPECT_EQ(status_of("GET /123456 HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET /1234567 HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
  EXPECT_EQ(status_of("GET /1234567890123456789"), 414);
  EXPECT_EQ(status_of("\r\nGET /123456 HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: 0\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: 0\r\nY:\r\n\r\n"), 431);
  std::string full = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(28, 'x') + "\r\n\r\n";
  ASSERT_EQ(full.size(), 60u);
  EXPECT_EQ(status_of(full), 0);
  EXPECT_EQ(status_of(full + "more"), 0);
  full.insert(30, "x");
  EXPECT_EQ(status_of(full), 431);
}

TEST(Request, KeepsToTheLimitOfALine) {
  const Limits limits{.max_field_line = 10};
  auto fault_of = [&limits](const std::string& line) {
    const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\nZ: z\r\n\r\n";
    Outcome whole = read_at_once(text, limits);
    Outcome bytes = read_by_bytes(text, limits);
    EXPECT_EQ(whole.status, bytes.status) << text;
    EXPECT_EQ(whole.fault.reason, bytes.fault.reason) << text;
    return whole.status == ParseStatus::error ? whole.fault.status : 0;
  };
  EXPECT_EQ(fault_of("X: 3456789"), 0);
  EXPECT_EQ(fault_of("X: 34567890"), 431);
  EXPECT_EQ(fault_of("X: 34567890123"), 431);
  EXPECT_EQ(fault_of("X: 3456789\n1"), 400);
  EXPECT_EQ(fault_of("X: 34567890123\n1"), 431);
  // Nothing is waited for.
  EXPECT_EQ(read_at_once("GET / HTTP/1.1\r\nX: 345678901", limits).status, ParseStatus::need_more);
  EXPECT_EQ(read_at_once("GET / HTTP/1.1\r\nX: 3456789012", limits).fault.status, 431);
}

TEST(Request, WaitsForTheRest) {
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n";
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(read_at_once(text.substr(0, size)).status, ParseStatus::need_more) << size;
  }
}

// Any two cuts of a head of several windows give the same result.
TEST(Request, CutsDoNotMatter) {
  std::string text = "GET /" + std::string(700, 'p') + " HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 40; ++i) {
    text += "X-Field-" + std::to_string(i) + ": " + std::string(static_cast<size_t>(i) * 3, 'v') +
            "\r\n";
  }
  text += "Content-Length: 7\r\n\r\n";
  for (size_t cut = 1; cut < text.size(); cut += 7) {
    uint32_t scanned = 0;
    auto head = std::make_unique<RequestHead>();
    ParseFault fault;
    std::string first = text.substr(0, cut);
    ASSERT_EQ(read_request(first, {}, scanned, *head, fault), ParseStatus::need_more);
    ASSERT_EQ(read_request(text, {}, scanned, *head, fault), ParseStatus::complete);
    EXPECT_EQ(head->header_count, 42);
    EXPECT_EQ(head->headers[40].name, "X-Field-39");
    EXPECT_EQ(head->headers[40].value.size(), 117u);
    EXPECT_EQ(head->content_length, 7u);
  }
}

TEST(Request, ExpectAndUpgradeAreForHttp11) {
  std::string fields =
      "Expect: 100-Continue\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n";
  Outcome out = read_at_once("GET / HTTP/1.1\r\nHost: a\r\n" + fields);
  EXPECT_TRUE(out.head->expect_continue);
  EXPECT_TRUE(out.head->upgrade);
  out = read_at_once("GET / HTTP/1.0\r\nHost: a\r\n" + fields);
  EXPECT_FALSE(out.head->expect_continue);
  EXPECT_FALSE(out.head->upgrade);
  EXPECT_TRUE(out.head->keep_alive);
  out = read_at_once("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_FALSE(out.head->upgrade);
}

}  // namespace
}  // namespace sallyport::http
