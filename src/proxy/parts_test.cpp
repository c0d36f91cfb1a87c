#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "proxy/access_log.h"
#include "proxy/body.h"
#include "proxy/error_body.h"
#include "proxy/error_template.h"
#include "proxy/random_id.h"
#include "proxy/real_ip.h"
#include "proxy/retry.h"

namespace sallyport::proxy {
namespace {

TEST(ErrorBody, HasTheMessageAndTheIdInEveryFormat) {
  EXPECT_EQ(error_body(http::BodyFormat::json, "no Route", "f00"),
            "{\n  \"message\":\"no Route\",\n  \"request_id\":\"f00\"\n}");
  EXPECT_EQ(error_body(http::BodyFormat::text, "no Route", "f00"), "no Route\nrequest_id: f00\n");
  const std::string html = error_body(http::BodyFormat::html, "no Route", "f00");
  EXPECT_NE(html.find("<h1>Error</h1>\n    <p>no Route.</p>"), std::string::npos);
  EXPECT_NE(html.find("<p>request_id: f00</p>"), std::string::npos);
  const std::string xml = error_body(http::BodyFormat::xml, "no Route", "f00");
  EXPECT_NE(xml.find("<message>no Route</message>"), std::string::npos);
  EXPECT_NE(xml.find("<requestid>f00</requestid>"), std::string::npos);
  EXPECT_EQ(error_message(494), "Request header or cookie too large");
  EXPECT_EQ(error_message(599), "The upstream server responded with 599");
}

TEST(ErrorTemplate, HasPlacesForTheMessageAndTheId) {
  auto filled = [](std::string_view text) {
    const auto parsed = ErrorTemplate::parse(text);
    return parsed ? parsed->fill("no %s", "f00") : parsed.error().detail;
  };
  EXPECT_EQ(filled("<p>%s (%s)</p>"), "<p>no %s (f00)</p>");
  EXPECT_EQ(filled("only %s"), "only no %s");
  EXPECT_EQ(filled("neither"), "neither");
  EXPECT_EQ(filled(""), "");
  EXPECT_EQ(filled("width: 100%; %d %%s %"), "width: 100%; %d %s %");
  EXPECT_EQ(filled("%s %s %s"), "has more than two %s");
}

TEST(Retry, OnlyWhatCannotHaveHappenedTwice) {
  EXPECT_TRUE(may_retry(AttemptFault::connect, false, true));
  EXPECT_TRUE(may_retry(AttemptFault::refused, false, true));
  EXPECT_TRUE(may_retry(AttemptFault::untrusted, false, true));
  EXPECT_FALSE(may_retry(AttemptFault::misnamed, true, true));
  // A connection of many streams may fail when it has taken a body that nobody keeps.
  EXPECT_FALSE(may_retry(AttemptFault::connect, false, false));
  EXPECT_FALSE(may_retry(AttemptFault::refused, true, false));
  EXPECT_TRUE(may_retry(AttemptFault::connect_timeout, false, true));
  EXPECT_TRUE(may_retry(AttemptFault::stale, true, true));
  EXPECT_FALSE(may_retry(AttemptFault::stale, false, true));
  EXPECT_FALSE(may_retry(AttemptFault::closed, true, false));
  EXPECT_FALSE(may_retry(AttemptFault::bad_response, true, true));
  EXPECT_FALSE(may_retry(AttemptFault::client, true, true));
  EXPECT_FALSE(idempotent(http::Method::post, "POST"));
  EXPECT_FALSE(idempotent(http::Method::patch, "PATCH"));
  EXPECT_FALSE(idempotent(http::Method::other, "LOCK"));
  EXPECT_TRUE(idempotent(http::Method::del, "DELETE"));
}

TEST(RandomId, IsHexAndDoesNotRepeat) {
  RandomId ids;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    std::array<char, 32> id{};
    ids.write(id);
    const std::string text(id.begin(), id.end());
    EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos) << text;
    EXPECT_TRUE(seen.insert(text).second);
  }
  // Every digit turns up everywhere.
  for (size_t at = 0; at < 32; ++at) {
    std::set<char> digits;
    for (const std::string& id : seen) digits.insert(id[at]);
    EXPECT_EQ(digits.size(), 16U);
  }
}

http::RequestHead parse(const std::string& wire) {
  http::RequestHead head;
  uint32_t scanned = 0;
  http::ParseFault fault;
  EXPECT_EQ(http::read_request(wire, {}, scanned, head, fault), http::ParseStatus::complete);
  return head;
}

std::string real_ip(const char* header, bool recursive, const std::string& fields) {
  auto rule = RealIp::create({"10.0.0.0/8", "fd00::/8"}, header, recursive);
  EXPECT_TRUE(rule);
  const std::string wire = "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
  const http::RequestHead head = parse(wire);
  const auto address = rule->from_header(head);
  return address ? address->text() : "none";
}

TEST(RealIp, TakesTheAddressThatATrustedPeerGives) {
  EXPECT_EQ(real_ip("X-Real-IP", false, "x-real-ip: 1.2.3.4\r\n"), "1.2.3.4");
  EXPECT_EQ(real_ip("X-Real-IP", false, "X-Real-IP: [2001:db8::1]:443\r\n"), "2001:db8::1");
  EXPECT_EQ(real_ip("X-Real-IP", false, "X-Real-IP: nobody\r\n"), "none");
  EXPECT_EQ(real_ip("X-Real-IP", false, ""), "none");
  const std::string list = "X-Forwarded-For: 9.9.9.9, 1.2.3.4:80, 10.1.1.1\r\n";
  EXPECT_EQ(real_ip("X-Forwarded-For", false, list), "10.1.1.1");
  EXPECT_EQ(real_ip("X-Forwarded-For", true, list), "1.2.3.4");
  EXPECT_EQ(real_ip("X-Forwarded-For", true, "X-Forwarded-For: 10.2.2.2, 10.1.1.1\r\n"),
            "10.2.2.2");
  EXPECT_EQ(real_ip("X-Forwarded-For", true, "X-Forwarded-For: junk, 10.1.1.1\r\n"), "10.1.1.1");
  const std::string lines =
      "X-Forwarded-For: 9.9.9.9, 1.2.3.4\r\nx-forwarded-for: 10.2.2.2\r\nX-Other: 1\r\n"
      "X-Forwarded-For: 10.3.3.3, 10.1.1.1\r\n";
  EXPECT_EQ(real_ip("X-Forwarded-For", false, lines), "10.1.1.1");
  EXPECT_EQ(real_ip("X-Forwarded-For", true, lines), "1.2.3.4");
  const std::string broken = "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: junk, 10.1.1.1\r\n";
  EXPECT_EQ(real_ip("X-Forwarded-For", true, broken), "10.1.1.1");
  EXPECT_FALSE(RealIp::create({"10.0.0.0/99"}, "X-Real-IP", false));
  const auto unix_too = RealIp::create({"unix:"}, "X-Real-IP", false);
  EXPECT_TRUE(unix_too->trusts(std::nullopt));
  EXPECT_FALSE(unix_too->trusts(net::IpAddress::parse("10.0.0.1")));
}

TEST(AccessLog, WritesCombinedLinesThatCannotBeForged) {
  std::string out;
  append_access_line(out, {.client_ip = "1.2.3.4",
                           .method = "GET",
                           .target = "/a\"b",
                           .minor_version = 0,
                           .status = 200,
                           .body_sent = 17,
                           .referer = {},
                           .user_agent = "evil\n\x80",
                           .request_id = "00ff",
                           .local_time = "now"});
  EXPECT_EQ(out,
            "1.2.3.4 - - [now] \"GET /a\\x22b HTTP/1.0\" 200 17 \"-\" \"evil\\x0A\\x80\" "
            "kong_request_id: \"00ff\"\n");
}

std::string read_body(http::BodyFraming framing, uint64_t length, const std::string& wire,
                      size_t cut, std::string* rest) {
  net::BlockPool pool;
  BodyReader reader(framing, length);
  std::string out;
  for (size_t at = 0; at < wire.size() && !reader.complete(); at += cut) {
    net::BlockPtr block = pool.take();
    block->append(std::string_view(wire).substr(at, cut));
    std::string_view piece;
    do {
      if (!reader.next(*block, {}, piece)) return "broken";
      out += piece;
    } while (!piece.empty());
    *rest = block->view();
  }
  EXPECT_EQ(reader.received(), out.size());
  return reader.complete() ? out : out + " (incomplete)";
}

TEST(BodyReader, FindsTheEndWhereverTheInputIsCut) {
  using http::BodyFraming;
  std::string rest;
  EXPECT_EQ(read_body(BodyFraming::length, 5, "helloNEXT", 100, &rest), "hello");
  EXPECT_EQ(rest, "NEXT");
  const std::string chunked = "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\nNEXT";
  for (size_t cut = 1; cut <= chunked.size(); ++cut) {
    EXPECT_EQ(read_body(BodyFraming::chunked, 0, chunked, cut, &rest), "abcde") << cut;
  }
  EXPECT_EQ(rest, "NEXT");
  EXPECT_EQ(read_body(BodyFraming::chunked, 0, "3\r\nabcX", 100, &rest), "broken");
  EXPECT_EQ(read_body(BodyFraming::length, 9, "hello", 2, &rest), "hello (incomplete)");
  EXPECT_TRUE(BodyReader(BodyFraming::length, 0).complete());
  EXPECT_TRUE(BodyReader(BodyFraming::none, 0).complete());
  BodyReader until_close(BodyFraming::until_close, 0);
  EXPECT_FALSE(until_close.complete());
  EXPECT_TRUE(until_close.end_of_input());
  EXPECT_FALSE(BodyReader(BodyFraming::length, 3).end_of_input());
}

}  // namespace
}  // namespace sallyport::proxy
