// Both roles of the HTTP/2 session, against each other.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "http/h2_session.h"
#include "http/trailers.h"

namespace sallyport::http {
namespace {

struct Message {
  int32_t id = 0;
  std::string head = {}, body = {}, trailers = {};
  bool ended = false;
  bool closed = false;
  H2Error why = H2Error::none;
  int status = 0;
  std::string to_send = {}, own_trailers = {};
  bool last = true;
};

struct Side final : H2Owner {
  explicit Side(H2Session::Role role) : session(H2Session::create({}, *this, role)) {}

  void* on_request(int32_t id, const H2Head& head) override {
    Message& message = messages[id];
    message.id = id;
    message.head = head.text;
    message.ended = head.complete;
    return refuse ? nullptr : &message;
  }
  void on_response(void* stream, const H2Head& head) override {
    of(stream).head += head.text;
    of(stream).status = head.status;
    of(stream).ended = head.complete;
  }
  void on_unsent(int32_t id) override { unsent = id; }
  void on_body(void* stream, std::string_view payload) override { of(stream).body += payload; }
  void on_body_end(void* stream, std::string_view trailers) override {
    of(stream).trailers = trailers;
    of(stream).ended = true;
  }
  void on_sent(void*) override {}
  void on_closed(void* stream, H2Error why) override {
    of(stream).closed = true;
    of(stream).why = why;
  }
  Ready ready_body(void* stream, size_t most) override {
    reserved = std::min(most, of(stream).to_send.size());
    const bool last = of(stream).last && reserved == of(stream).to_send.size();
    return {reserved, last, last ? of(stream).own_trailers : std::string_view{}};
  }
  void write_body(void* stream) override {
    output += of(stream).to_send.substr(0, reserved);
    of(stream).to_send.erase(0, reserved);
  }
  void write(std::string_view bytes) override { output += bytes; }
  bool may_write() const override { return true; }
  static Message& of(void* stream) { return *static_cast<Message*>(stream); }

  Message& request(std::string_view text, Message&& given, bool last = false) {
    uint32_t scanned = 0;
    ParseFault fault;
    EXPECT_EQ(read_request(text, {}, scanned, request_head, fault), ParseStatus::complete);
    auto* message = new Message(std::move(given));
    message->id = session->request(request_head, "http", last, message);
    sent.emplace_back(message);
    return *message;
  }

  std::map<int32_t, Message> messages;
  std::vector<std::unique_ptr<Message>> sent;
  std::string output;
  size_t reserved = 0;
  int32_t unsent = 0;
  bool refuse = false;
  RequestHead request_head;
  std::unique_ptr<H2Session> session;
};

struct Pair {
  Side client{H2Session::Role::client};
  Side server{H2Session::Role::server};

  void exchange() {
    for (int turn = 0; turn < 20; ++turn) {
      EXPECT_TRUE(client.session->send());
      if (!client.output.empty()) {
        EXPECT_TRUE(server.session->receive(std::exchange(client.output, {}), 1));
      }
      EXPECT_TRUE(server.session->send());
      if (!server.output.empty()) {
        EXPECT_TRUE(client.session->receive(std::exchange(server.output, {}), 1));
      }
    }
  }
  void respond(int32_t id, std::string_view text, bool last) {
    uint32_t scanned = 0;
    ParseFault fault;
    ASSERT_EQ(read_response(text, {}, Method::post, scanned, head, fault), ParseStatus::complete);
    EXPECT_TRUE(server.session->respond(id, head, last));
  }
  ResponseHead head;
};

constexpr std::string_view kPost =
    "POST /a?b=c HTTP/1.1\r\nHost: up.test\r\nConnection: keep-alive\r\nX-Mine: m\r\n"
    "Transfer-Encoding: chunked\r\nTE: trailers\r\n\r\n";

TEST(H2Client, RequestAndAnswerWithTrailersBothWays) {
  Pair pair;
  Message& call = pair.client.request(kPost, {.to_send = "question", .own_trailers = "X-Q: 1\r\n"});
  pair.exchange();
  ASSERT_EQ(pair.server.messages.size(), 1U);
  Message& served = pair.server.messages[call.id];
  EXPECT_EQ(served.head,
            "POST /a?b=c HTTP/1.1\r\nhost: up.test\r\nx-mine: m\r\nte: trailers\r\n"
            "transfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(served.body, "question");
  EXPECT_EQ(served.trailers, "x-q: 1\r\n");
  served.to_send = "answer";
  served.own_trailers = "Grpc-Status: 0\r\nConnection: x\r\n";
  pair.respond(call.id, "HTTP/1.1 103 Early\r\nX-I: 1\r\n\r\n", false);
  pair.respond(call.id, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false);
  pair.exchange();
  EXPECT_EQ(call.head, "HTTP/1.1 103 \r\nx-i: 1\r\nHTTP/1.1 200 \r\n");
  EXPECT_EQ(call.status, 200);
  EXPECT_EQ(call.body, "answer");
  EXPECT_EQ(call.trailers, "grpc-status: 0\r\n");
  EXPECT_TRUE(call.ended && call.closed && served.closed);
  EXPECT_EQ(call.why, H2Error::none);
}

TEST(H2Client, AnswersWithoutBodyAndWithNothingButTrailers) {
  Pair pair;
  Message& call = pair.client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", {}, true);
  pair.exchange();
  EXPECT_TRUE(pair.server.messages[call.id].ended);
  pair.respond(call.id, "HTTP/1.1 200 OK\r\nGrpc-Status: 5\r\nContent-Length: 0\r\n\r\n", true);
  pair.exchange();
  EXPECT_EQ(call.head, "HTTP/1.1 200 \r\ngrpc-status: 5\r\n");
  EXPECT_TRUE(call.ended && call.closed);
  // Trailers behind an empty body.
  Message& second = pair.client.request(kPost, {.own_trailers = "X-Q: 1\r\n"});
  pair.exchange();
  EXPECT_EQ(pair.server.messages[second.id].trailers, "x-q: 1\r\n");
  // More of them than a head may have fields.
  std::string many;
  for (int i = 0; i < 500; ++i) many += "x-" + std::to_string(i) + ": 1\r\n";
  Message& third = pair.client.request(kPost, {.own_trailers = many});
  pair.exchange();
  EXPECT_EQ(pair.server.messages[third.id].trailers, many);
}

TEST(H2Client, RefusedAndLeftBehindCallsSaySo) {
  Pair pair;
  pair.exchange();
  pair.server.refuse = true;
  Message& refused = pair.client.request(kPost, {.last = false});
  pair.exchange();
  EXPECT_TRUE(refused.closed);
  EXPECT_EQ(refused.why, H2Error::refused);
  // A goodbye that crosses a call: the server does not look at what comes after it.
  pair.server.refuse = false;
  Message& late = pair.client.request(kPost, {.last = false});
  pair.server.session->end();
  EXPECT_TRUE(pair.server.session->send());
  EXPECT_TRUE(pair.client.session->takes_requests());
  EXPECT_TRUE(pair.client.session->receive(std::exchange(pair.server.output, {}), 1));
  EXPECT_FALSE(pair.client.session->takes_requests());
  EXPECT_TRUE(pair.client.session->send());
  EXPECT_TRUE(pair.client.unsent == late.id || late.why == H2Error::refused);
  EXPECT_TRUE(pair.server.messages.size() == 1);
}

TEST(H2Client, TellsHowManyStreamsTheServerAllows) {
  Pair pair;
  pair.exchange();
  EXPECT_EQ(pair.client.session->most_streams(), H2Limits{}.max_streams);
}

TEST(H2Response, RefusesWhatWouldChangeTheText) {
  H2Response response;
  auto begin = [&response] { response.begin(1'000); };
  begin();
  EXPECT_TRUE(response.add(":status", "200"));
  EXPECT_TRUE(response.add("x-a", "b"));
  EXPECT_TRUE(response.add("content-length", "3"));
  EXPECT_EQ(response.text(), "HTTP/1.1 200 \r\nx-a: b\r\n");
  EXPECT_EQ(response.length(), "3");
  const std::pair<std::string_view, std::string_view> bad[] = {{":status", "20"},
                                                               {":status", "0ab"},
                                                               {":path", "/"},
                                                               {"X-A", "b"},
                                                               {"x a", "b"},
                                                               {"", "b"},
                                                               {"x-a", "b\r\nc: d"},
                                                               {"x-a", std::string_view("\0", 1)},
                                                               {"connection", "close"},
                                                               {"transfer-encoding", "chunked"},
                                                               {"upgrade", "x"}};
  for (const auto& [name, value] : bad) {
    begin();
    EXPECT_FALSE(response.add(name, value)) << name << ' ' << value;
  }
  begin();
  EXPECT_TRUE(response.add("x-trailer", "1"));
  EXPECT_FALSE(response.add(":status", "200"));  // of trailers
  EXPECT_EQ(response.status(), 0);
  begin();
  EXPECT_FALSE(response.add("x", std::string(1'000, 'x')));
}

TEST(Trailers, OnlyThoseThatSayNothingAboutFramingAndIdentity) {
  EXPECT_EQ(passable_trailers("grpc-status: 0\r\nX-Sum: 1\r\nHost: a\r\nContent-Length: 5\r\n"
                              "Transfer-Encoding: chunked\r\nX-Consumer-ID: 1\r\nDate: now\r\n"
                              "authorization: x\r\nX-Forwarded-For: y\r\nIf-Match: z\r\nTE: a\r\n"),
            "grpc-status: 0\r\nX-Sum: 1\r\nDate: now\r\n");
  EXPECT_EQ(passable_trailers(""), "");
}

}  // namespace
}  // namespace sallyport::http
