// Clients that break the rules of RFC 9113, frame by frame: no library would send these.
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "http/h2_session.h"

namespace sallyport::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint8_t kEnd = NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS;
// GET http://a/, without traces in the table.
const std::string kGet(
    "\x82\x86\x84\x01\x01"
    "a");

struct Frame {
  uint8_t type;
  uint8_t flags;
  int32_t id;
  std::string payload;

  bool operator==(const Frame&) const = default;
};

std::string number(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string wire(const Frame& frame) {
  std::string out = number(static_cast<uint32_t>(frame.payload.size())).substr(1);
  out += static_cast<char>(frame.type);
  out += static_cast<char>(frame.flags);
  return out + number(static_cast<uint32_t>(frame.id)) + frame.payload;
}

uint32_t number_at(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (char c : bytes.substr(at, 4)) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

Frame headers(int32_t id, const std::string& block = kGet, uint8_t flags = kEnd) {
  return {NGHTTP2_HEADERS, flags, id, block};
}

// Takes every request, and keeps what is written.
struct Owner final : H2Owner {
  std::vector<std::string> heads;
  std::string output;

  void* on_request(int32_t, const H2Head& head) override {
    heads.emplace_back(head.text);
    return this;
  }
  void on_body(void*, std::string_view) override {}
  void on_response(void*, const H2Head&) override {}
  void on_unsent(int32_t) override {}
  void on_body_end(void*, std::string_view) override {}
  void on_sent(void*) override {}
  void on_closed(void*, H2Error) override {}
  Ready ready_body(void*, size_t) override { return {}; }
  void write_body(void*) override {}
  void write(std::string_view bytes) override { output += bytes; }
  bool may_write() const override { return true; }
};

struct H2FramesTest : testing::Test {
  Owner owner;
  std::unique_ptr<H2Session> server;
  uint64_t now = 1;

  // Agrees on the settings.
  void begin(const H2Limits& limits = {}) {
    owner = {};
    server = H2Session::create(limits, owner);
    ASSERT_TRUE(server->receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
                                    wire({NGHTTP2_SETTINGS, 0, 0, ""}) +
                                    wire({NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""}),
                                now));
    const std::vector<Frame> first = said();
    ASSERT_EQ(first.at(0).type, NGHTTP2_SETTINGS);
    ASSERT_EQ(first.at(1), (Frame{NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""}));
  }
  bool send(const Frame& frame) { return server->receive(wire(frame), now); }
  bool answer(int32_t id) {
    static ResponseHead head;
    ParseFault fault;
    uint32_t scanned = 0;
    return read_response("HTTP/1.1 204 No\r\n\r\n", {}, Method::get, scanned, head, fault) ==
               ParseStatus::complete &&
           server->respond(id, head, true);
  }
  std::vector<Frame> said() {
    server->send();
    std::vector<Frame> frames;
    for (std::string_view rest = owner.output; !rest.empty();) {
      const size_t size = number_at(rest, 0) >> 8;
      frames.push_back({static_cast<uint8_t>(rest[3]), static_cast<uint8_t>(rest[4]),
                        static_cast<int32_t>(number_at(rest, 5)),
                        std::string(rest.substr(9, size))});
      rest.remove_prefix(9 + size);
    }
    owner.output.clear();
    return frames;
  }
  // The error of the GOAWAY that comes last.
  uint32_t goodbye() {
    const std::vector<Frame> frames = said();
    if (frames.empty() || frames.back().type != NGHTTP2_GOAWAY) return ~0U;
    return number_at(frames.back().payload, 4);
  }
};

Frame refusal(int32_t id) {
  return {NGHTTP2_RST_STREAM, 0, id, number(NGHTTP2_REFUSED_STREAM)};
}

TEST_F(H2FramesTest, TellsTheLimitOfStreams) {
  server = H2Session::create({.max_streams = 7}, owner);
  const std::vector<Frame> first = said();
  ASSERT_EQ(first.at(0).type, NGHTTP2_SETTINGS);
  EXPECT_THAT(first.at(0).payload,
              testing::StartsWith(std::string("\0\x03", 2) + number(7)));  // MAX_CONCURRENT_STREAMS
  EXPECT_EQ(first.at(0).payload.size() % 6, 0u);
}

TEST_F(H2FramesTest, RefusesOnlyTheStreamsThatAreTooMany) {
  begin({.max_streams = 2});
  EXPECT_TRUE(send(headers(1)));
  EXPECT_TRUE(send(headers(3)));
  // Its field enters the table of names all the same.
  EXPECT_TRUE(send(headers(5, kGet + "\x40\x03x-y\x01z")));
  EXPECT_TRUE(send(headers(7, kGet, NGHTTP2_FLAG_END_HEADERS)));
  EXPECT_TRUE(send({NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 7, "body"}));
  EXPECT_THAT(said(), ElementsAre(refusal(5), refusal(7)));
  EXPECT_EQ(owner.heads.size(), 2u);

  ASSERT_TRUE(answer(1));
  said();
  EXPECT_TRUE(send(headers(9, kGet + "\xbe")));
  EXPECT_TRUE(send(headers(11)));
  EXPECT_THAT(said(), ElementsAre(refusal(11)));
  ASSERT_EQ(owner.heads.size(), 3u);
  EXPECT_THAT(owner.heads[2], HasSubstr("\r\nx-y: z\r\n"));
}

TEST_F(H2FramesTest, EndsConnectionsThatOnlyOpenStreamsTooMany) {
  begin({.max_streams = 2});
  int refused = 0;
  for (int32_t id = 1; id < 5'000 && send(headers(id)); id += 2) {
    for (const Frame& frame : said()) refused += frame == refusal(frame.id) ? 1 : 0;
  }
  EXPECT_GT(refused, 900);
  EXPECT_LT(refused, 1'100);
  EXPECT_EQ(goodbye(), uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
}

// All in one write: nothing of it is answered before the last of it is read.
TEST_F(H2FramesTest, TakesAThousandFramesOfNoiseAtOnceAndNoMore) {
  for (const Frame& noise : {Frame{NGHTTP2_PING, 0, 0, "12345678"}, {NGHTTP2_SETTINGS, 0, 0, ""}}) {
    begin();
    std::string some;
    for (int i = 0; i < 900; ++i) some += wire(noise);
    EXPECT_TRUE(server->receive(some, now));
    EXPECT_EQ(said().size(), 900u) << int{noise.type};
    EXPECT_FALSE(server->receive(some, now));
    EXPECT_EQ(goodbye(), uint32_t{NGHTTP2_ENHANCE_YOUR_CALM}) << int{noise.type};
  }
}

TEST_F(H2FramesTest, EndsPingsOfClientsThatReadNothing) {
  begin();
  int frames = 0;
  while (frames < 5'000 && send({NGHTTP2_PING, 0, 0, "12345678"})) {
    ++frames;
    now += 10;  // as many as are paid for
  }
  EXPECT_LT(frames, 1'100);
  EXPECT_EQ(goodbye(), uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
}

TEST_F(H2FramesTest, LetsSoManyRequestsBeTakenBack) {
  begin();
  const std::string cancel = number(NGHTTP2_CANCEL);
  int32_t id = 1;
  auto take_back = [&](int count) {
    int taken = 0;
    while (taken < count && send(headers(id)) && send({NGHTTP2_RST_STREAM, 0, id, cancel})) {
      ++taken, id += 2;
      said();
    }
    return taken;
  };
  EXPECT_EQ(take_back(256), 256);
  now += 1'000;
  EXPECT_EQ(take_back(64), 64);
  EXPECT_EQ(take_back(1), 0);
  EXPECT_EQ(goodbye(), uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
}

TEST_F(H2FramesTest, EndsConnectionsThatOpenStreamsInTheWrongOrder) {
  for (int32_t passed_over : {1, 7, 11, 15}) {
    begin();
    for (int32_t id : {3, 5, 9, 13, 17}) EXPECT_TRUE(send(headers(id)));
    EXPECT_FALSE(send(headers(passed_over))) << passed_over;
    EXPECT_EQ(goodbye(), uint32_t{NGHTTP2_PROTOCOL_ERROR}) << passed_over;
    EXPECT_EQ(owner.heads.size(), 5u);
  }
  begin();
  EXPECT_TRUE(send(headers(0x7fff'ffff)));
  EXPECT_FALSE(send(headers(0x7fff'fffd)));
  EXPECT_EQ(goodbye(), uint32_t{NGHTTP2_PROTOCOL_ERROR});
  begin();
  EXPECT_TRUE(send(headers(1001)));
  EXPECT_FALSE(send(headers(999)));
  EXPECT_EQ(goodbye(), uint32_t{NGHTTP2_PROTOCOL_ERROR});
}

TEST_F(H2FramesTest, EndsConnectionsThatGoOnWithWhatTheyHaveEnded) {
  for (bool body : {false, true}) {
    begin();
    EXPECT_TRUE(send(headers(1, kGet, body ? NGHTTP2_FLAG_END_HEADERS : kEnd)));
    if (body) EXPECT_TRUE(send({NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "body"}));
    ASSERT_TRUE(answer(1));
    said();
    EXPECT_TRUE(send(headers(3)));
    EXPECT_FALSE(send(headers(1)));
    EXPECT_EQ(goodbye(), uint32_t{NGHTTP2_STREAM_CLOSED});
  }
}

// The client has not seen the reset yet.
TEST_F(H2FramesTest, PassesOverTrailersOfStreamsThatItHasReset) {
  begin();
  const std::string trailers = std::string("\x00\x03x-y\x01z", 7);
  EXPECT_TRUE(send(headers(1, kGet, NGHTTP2_FLAG_END_HEADERS)));
  server->reset(1, H2Error::none);
  EXPECT_EQ(said().size(), 1u);
  EXPECT_TRUE(send({NGHTTP2_DATA, 0, 1, "body"}));
  EXPECT_TRUE(send(headers(1, trailers)));
  EXPECT_TRUE(send(headers(3)));
  EXPECT_EQ(owner.heads.size(), 2u);
  EXPECT_EQ(goodbye(), ~0U);
}

TEST_F(H2FramesTest, EndsConnectionsThatGiveThemselvesPriority) {
  begin();
  EXPECT_FALSE(send({NGHTTP2_PRIORITY, 0, 0, std::string("\0\0\0\x01\x01", 5)}));
  EXPECT_EQ(goodbye(), uint32_t{NGHTTP2_PROTOCOL_ERROR});
}

}  // namespace
}  // namespace sallyport::http
