#include <string>

#include <gtest/gtest.h>

#include "proxy/client_head.h"
#include "proxy/upstream_head.h"

namespace sallyport::proxy {
namespace {

struct Parsed {
  explicit Parsed(std::string wire) : text(std::move(wire)) {
    uint32_t scanned = 0;
    http::ParseFault fault;
    EXPECT_EQ(http::read_request(text, {}, scanned, head, fault), http::ParseStatus::complete)
        << fault.reason;
  }
  std::string text;
  http::RequestHead head;
};

std::string upstream_head(const Parsed& request, bool trusted = false,
                          std::string_view request_id = "0123") {
  UpstreamHead head{.request = request.head,
                    .request_end = request.text.data() + request.head.size,
                    .path = {"/srv", "", "/x"},
                    .query = "?q",
                    .host = "up.test",
                    .peer_ip = "10.0.0.1",
                    .client_ip = "10.0.0.2",
                    .peer_trusted = trusted,
                    .scheme = "http",
                    .port = "8000",
                    .forwarded_host = "a.test",
                    .forwarded_path = "/r/x",
                    .prefix = "/r",
                    .request_id = request_id};
  std::string room(upstream_head_room(head), '\0');
  http::HeadWriter out(room);
  write_upstream_head(out, head);
  EXPECT_FALSE(out.overflowed());
  return std::string(out.text());
}

TEST(UpstreamHead, IsTheClientsWithOurFields) {
  const Parsed request("GET /r/x?q HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\nX-Mine: 1\r\n\r\n");
  EXPECT_EQ(upstream_head(request),
            "GET /srv/x?q HTTP/1.1\r\n"
            "Host: up.test\r\n"
            "Connection: keep-alive\r\n"
            "X-Forwarded-For: 10.0.0.2\r\n"
            "X-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: a.test\r\n"
            "X-Forwarded-Port: 8000\r\n"
            "X-Forwarded-Path: /r/x\r\n"
            "X-Forwarded-Prefix: /r\r\n"
            "X-Real-IP: 10.0.0.2\r\n"
            "Accept: */*\r\n"
            "X-Mine: 1\r\n"
            "Via: 1.1 sallyport/" SALLYPORT_VERSION
            "\r\n"
            "X-Kong-Request-Id: 0123\r\n"
            "\r\n");
}

TEST(UpstreamHead, DropsWhatTheConnectionFieldNamesWhereverItStands) {
  const Parsed request(
      "GET / HTTP/1.1\r\nX-Gone: 1\r\nHost: a\r\nConnection: x-gone, close\r\nX-Stays: 2\r\n"
      "Connection: X-GONE-TOO\r\nx-gone-too: 3\r\nX-Gone: 4\r\n\r\n");
  const std::string head = upstream_head(request);
  EXPECT_EQ(head.find("Gone"), std::string::npos);
  EXPECT_EQ(head.find("gone"), std::string::npos);
  EXPECT_NE(head.find("\r\nX-Stays: 2\r\n"), std::string::npos);
}

TEST(UpstreamHead, FramesBodiesOnce) {
  const Parsed chunked("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n");
  const std::string head = upstream_head(chunked);
  EXPECT_NE(head.find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(head.find("Chunked"), std::string::npos);
  const Parsed length("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  EXPECT_NE(upstream_head(length).find("\r\nContent-Length: 5\r\n"), std::string::npos);
}

TEST(UpstreamHead, JoinsListsAndTrustsOnlyWhomItShould) {
  const Parsed request(
      "GET / HTTP/1.0\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n"
      "Via: 1.1 a\r\nVia: 1.1 b\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /theirs\r\n"
      "X-Kong-Request-Id: theirs\r\n\r\n");
  const std::string head = upstream_head(request, true, "");
  EXPECT_NE(head.find("X-Forwarded-For: 1.1.1.1, 2.2.2.2, 10.0.0.1\r\n"), std::string::npos);
  EXPECT_NE(head.find("Via: 1.1 a, 1.1 b, 1.0 sallyport/"), std::string::npos);
  EXPECT_NE(head.find("X-Forwarded-Proto: https\r\n"), std::string::npos);
  EXPECT_NE(head.find("X-Forwarded-Prefix: /theirs\r\n"), std::string::npos);
  EXPECT_NE(head.find("X-Kong-Request-Id: theirs\r\n"), std::string::npos);
  const std::string stranger = upstream_head(request);
  EXPECT_NE(stranger.find("X-Forwarded-Proto: http\r\n"), std::string::npos);
  EXPECT_EQ(stranger.find("theirs"), std::string::npos);
}

std::string proxied_head(const std::string& wire, ClientHeadContext context,
                         ClientFraming framing = ClientFraming::as_received) {
  uint32_t scanned = 0;
  http::ParseFault fault;
  http::ResponseHead response;
  EXPECT_EQ(http::read_response(wire, {}, http::Method::get, scanned, response, fault),
            http::ParseStatus::complete)
      << fault.reason;
  const ProxiedHead head{.context = context,
                         .response = response,
                         .response_end = wire.data() + response.size,
                         .framing = framing,
                         .upstream_latency_ms = 12,
                         .proxy_latency_ms = 3};
  std::string room(proxied_head_room(head), '\0');
  http::HeadWriter out(room);
  write_proxied_head(out, head);
  EXPECT_FALSE(out.overflowed());
  return std::string(out.text());
}

TEST(ClientHead, IsTheUpstreamsWithOurFields) {
  const ResponseHeaders wanted;
  EXPECT_EQ(proxied_head("HTTP/1.1 299 Odd\r\nServer: up\r\nContent-Length: 0\r\n\r\n",
                         {.wanted = wanted, .request_id = "ab", .date = "today"}),
            "HTTP/1.1 299 Odd\r\nServer: up\r\nContent-Length: 0\r\nDate: today\r\n"
            "Via: 1.1 sallyport/" SALLYPORT_VERSION
            "\r\nX-Kong-Upstream-Latency: 12\r\nX-Kong-Proxy-Latency: 3\r\n"
            "X-Kong-Request-Id: ab\r\n\r\n");
}

TEST(ClientHead, WritesItsFieldsInPlaceOfTheUpstreams) {
  const std::string wire =
      "HTTP/1.1 200 OK\r\nX-Kong-Upstream-Latency: 77\r\nx-kong-proxy-latency: 78\r\n"
      "X-Kong-Upstream-Status: 79\r\nX-Kong-Request-Id: theirs\r\n\r\n";
  ResponseHeaders wanted;
  wanted.upstream_status = true;
  const std::string ours =
      proxied_head(wire, {.wanted = wanted, .request_id = "ab", .date = "today"});
  EXPECT_EQ(ours, "HTTP/1.1 200 OK\r\nDate: today\r\nServer: sallyport/" SALLYPORT_VERSION
                  "\r\nVia: 1.1 sallyport/" SALLYPORT_VERSION
                  "\r\nX-Kong-Upstream-Status: 200\r\nX-Kong-Upstream-Latency: 12\r\n"
                  "X-Kong-Proxy-Latency: 3\r\nX-Kong-Request-Id: ab\r\n\r\n");
  const ResponseHeaders none = ResponseHeaders::parse({});
  const std::string theirs =
      proxied_head(wire, {.wanted = none, .request_id = "ab", .date = "today"});
  for (const char* value : {": 77\r\n", ": 78\r\n", ": 79\r\n", ": theirs\r\n"}) {
    EXPECT_NE(theirs.find(value), std::string::npos) << theirs;
  }
}

TEST(ClientHead, LacksWhatIsForTheGateway) {
  const ResponseHeaders wanted;
  const std::string head = proxied_head(
      "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /a\r\nX-Accel-Expires: 1\r\nX-Accel-Other: stays\r\n"
      "x-accel-limit-rate: 1\r\nX-Accel-Buffering: no\r\nX-Accel-Charset: utf-8\r\nX-Pad: x\r\n"
      "X-Pax: stays\r\n\r\n",
      {.wanted = wanted, .request_id = "ab", .date = "today"});
  EXPECT_EQ(head.find("X-Accel-Other: stays\r\nX-Pax: stays\r\nDate"), head.find("X-Accel"));
  EXPECT_EQ(head.find("x-accel"), std::string::npos);
  EXPECT_NE(head.find("X-Accel-Other"), std::string::npos);
}

TEST(ClientHead, KeepsAndDropsLengthsAsTheMessageDemands) {
  const ResponseHeaders wanted;
  auto head = [&](const std::string& wire) {
    return proxied_head(wire, {.wanted = wanted, .request_id = "", .date = "d"});
  };
  // A length is no matter of one hop, whoever says so.
  const std::string named = head(
      "HTTP/1.1 200 OK\r\nConnection: content-length, x-hop\r\nX-Hop: 1\r\nContent-Length: "
      "2\r\n\r\n");
  EXPECT_NE(named.find("\r\nContent-Length: 2\r\n"), std::string::npos);
  EXPECT_EQ(named.find("X-Hop"), std::string::npos);
  EXPECT_EQ(head("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n").find("Length"), std::string::npos);
  EXPECT_NE(head("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n").find("Length: 5"),
            std::string::npos);
}

TEST(ClientHead, ChunkedForOneOneAndCloseForOneNought) {
  const ResponseHeaders wanted;
  const std::string wire = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n";
  const std::string modern =
      proxied_head(wire, {.wanted = wanted, .request_id = "", .date = "d"}, ClientFraming::chunked);
  EXPECT_NE(modern.find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(modern.find("Trailer"), std::string::npos);
  const std::string old = proxied_head(wire,
                                       {.wanted = wanted,
                                        .request_id = "",
                                        .date = "d",
                                        .client_minor_version = 0,
                                        .keep_alive = false},
                                       ClientFraming::until_close);
  EXPECT_EQ(old.find("Transfer-Encoding"), std::string::npos);
  EXPECT_NE(old.find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST(ResponseHeaders, Parse) {
  const std::vector<std::string> defaults = {"server_tokens", "latency_tokens",
                                             "X-Kong-Request-Id"};
  ResponseHeaders headers = ResponseHeaders::parse(defaults);
  EXPECT_TRUE(headers.server && headers.via && headers.proxy_latency && headers.request_id);
  EXPECT_FALSE(headers.upstream_status);
  const std::vector<std::string> off = {"off"};
  headers = ResponseHeaders::parse(off);
  EXPECT_FALSE(headers.server || headers.via || headers.response_latency || headers.request_id);
  const std::vector<std::string> some = {"via", "X-KONG-UPSTREAM-STATUS"};
  headers = ResponseHeaders::parse(some);
  EXPECT_TRUE(headers.via && headers.upstream_status);
  EXPECT_FALSE(headers.server);
}

}  // namespace
}  // namespace sallyport::proxy
