#include "http/h2_session.h"

#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

namespace sallyport::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Request {
  std::string head;
  std::string body;
  std::string trailers;
  bool complete = false;
  bool closed = false;
  bool failed = false;
  std::string answer;  // what is left of the response's body
};

// Keeps every request, answers when told to.
struct Owner final : H2Owner {
  std::map<int32_t, Request> requests;
  std::string output;

  void* on_request(int32_t id, const H2Head& head) override {
    Request& request = requests[id];
    request = {};
    request.head = head.text;
    request.complete = head.complete;
    return &request;
  }
  void on_body(void* stream, std::string_view payload) override { of(stream).body += payload; }
  void on_response(void*, const H2Head&) override {}
  void on_unsent(int32_t) override {}
  void on_body_end(void* stream, std::string_view trailers) override {
    of(stream).complete = true;
    of(stream).trailers = trailers;
  }
  void on_sent(void*) override {}
  void on_closed(void* stream, H2Error why) override {
    of(stream).closed = true;
    of(stream).failed = why != H2Error::none;
  }
  Ready ready_body(void* stream, size_t most) override {
    reserved = std::min(most, of(stream).answer.size());
    return {reserved, reserved == of(stream).answer.size()};
  }
  void write_body(void* stream) override {
    output += of(stream).answer.substr(0, reserved);
    of(stream).answer.erase(0, reserved);
  }
  void write(std::string_view bytes) override { output += bytes; }
  bool may_write() const override { return true; }
  static Request& of(void* stream) { return *static_cast<Request*>(stream); }

  size_t reserved = 0;
};

// A client made of nghttp2's other half.
struct Client {
  using Fields = std::vector<std::pair<std::string, std::string>>;
  struct Answer {
    Fields fields;
    std::string body;
    bool ended = false;
    uint32_t error = ~0U;  // once closed
  };

  explicit Client(bool checked = true) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t, void* p) {
          of(p).answers[frame->hd.stream_id].fields.emplace_back(
              std::string(reinterpret_cast<const char*>(name), name_size),
              std::string(reinterpret_cast<const char*>(value), value_size));
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks,
        [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size, void* p) {
          of(p).answers[id].body.append(reinterpret_cast<const char*>(bytes), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* p) {
          if (frame->hd.type == NGHTTP2_GOAWAY) of(p).goaway = frame->goaway.error_code;
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, int32_t id, uint32_t error, void* p) {
          of(p).answers[id].error = error;
          return 0;
        });
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_http_messaging(option, checked ? 0 : 1);
    nghttp2_option_set_max_send_header_block_length(option, 1 << 24);
    nghttp2_session_client_new2(&session, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session, 0, nullptr, 0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { nghttp2_session_del(session); }
  static Client& of(void* p) { return *static_cast<Client*>(p); }

  int32_t request(const Fields& fields, const std::string* body = nullptr) {
    std::vector<nghttp2_nv> list;
    for (const auto& [name, value] : fields) {
      list.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
                      value.size(), 0});
    }
    nghttp2_data_provider provider{};
    provider.source.ptr = const_cast<std::string*>(body);
    provider.read_callback = [](nghttp2_session*, int32_t, uint8_t* out, size_t most,
                                uint32_t* flags, nghttp2_data_source* source, void*) {
      auto& text = *static_cast<std::string*>(source->ptr);
      const size_t size = std::min(most, text.size());
      std::copy_n(text.data(), size, out);
      text.erase(0, size);
      if (text.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(size);
    };
    return nghttp2_submit_request(session, nullptr, list.data(), list.size(),
                                  body != nullptr ? &provider : nullptr, nullptr);
  }
  std::string take_output() {
    std::string out;
    const uint8_t* bytes = nullptr;
    for (ssize_t n; (n = nghttp2_session_mem_send(session, &bytes)) > 0;) {
      out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n));
    }
    return out;
  }
  void take_input(std::string_view bytes) {
    nghttp2_session_mem_recv(session, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }

  nghttp2_session* session = nullptr;
  std::map<int32_t, Answer> answers;
  uint32_t goaway = ~0U;
};

struct H2SessionTest : testing::Test {
  Owner owner;
  std::unique_ptr<H2Session> server = H2Session::create({}, owner);
  Client client;
  uint64_t now = 1;

  // Until both have nothing to say; false when the server gave up.
  bool exchange(size_t step = 1 << 20) { return exchange_with(client, step); }
  bool exchange_with(Client& peer, size_t step = 1 << 20) {
    bool sound = true;
    for (int turn = 0; turn < 50; ++turn) {
      std::string_view rest;
      const std::string sent = peer.take_output();
      for (rest = sent; sound && !rest.empty(); rest.remove_prefix(std::min(step, rest.size()))) {
        sound = server->receive(rest.substr(0, step), now);
      }
      server->send();
      if (sent.empty() && owner.output.empty()) break;
      peer.take_input(owner.output);
      owner.output.clear();
    }
    return sound;
  }
  bool respond(int32_t id, std::string_view head_text, std::string body = {}) {
    ResponseHead head;
    ParseFault fault;
    uint32_t scanned = 0;
    if (read_response(head_text, {}, Method::get, scanned, head, fault) != ParseStatus::complete) {
      return false;
    }
    owner.requests[id].answer = std::move(body);
    return server->respond(id, head, owner.requests[id].answer.empty());
  }
};

const Client::Fields kGet{
    {":method", "GET"}, {":scheme", "http"}, {":path", "/a?b"}, {":authority", "a.test"}};

Client::Fields with(Client::Fields fields, Client::Fields more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

TEST_F(H2SessionTest, GivesRequestsAsHttp1HowEverTheyAreCut) {
  for (size_t step : {1, 7, 1 << 20}) {
    const int32_t id =
        client.request(with(kGet, {{"x-y", "z"}, {"cookie", "a=1"}, {"cookie", "b=2"}}));
    ASSERT_TRUE(exchange(step));
    EXPECT_EQ(owner.requests[id].head,
              "GET /a?b HTTP/1.1\r\nhost: a.test\r\nx-y: z\r\ncookie: a=1; b=2\r\n\r\n");
    EXPECT_TRUE(owner.requests[id].complete);
  }
}

TEST_F(H2SessionTest, FramesBodiesOfUnknownLengthAsChunked) {
  std::string body(100'000, 'x');
  auto post = kGet;
  post[0].second = "POST";
  const int32_t id = client.request(post, &body);
  ASSERT_TRUE(exchange());
  Request& request = owner.requests[id];
  EXPECT_THAT(request.head, HasSubstr("\r\ntransfer-encoding: chunked\r\n"));
  // The window is full until its reader has taken something.
  EXPECT_EQ(request.body.size(), 65'536u);
  EXPECT_FALSE(request.complete);
  server->consume(id, request.body.size());
  ASSERT_TRUE(exchange());
  EXPECT_EQ(request.body.size(), 100'000u);
  EXPECT_TRUE(request.complete);
}

TEST_F(H2SessionTest, AnswersWithHeadBodyAndInterim) {
  const int32_t id = client.request(kGet);
  ASSERT_TRUE(exchange());
  ASSERT_TRUE(respond(id, "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"));
  ASSERT_TRUE(respond(id,
                      "HTTP/1.1 200 OK\r\nX-A: b\r\nConnection: close\r\nUpgrade: h2c\r\n"
                      "Content-Length: 40000\r\n\r\n",
                      std::string(40'000, 'y')));
  ASSERT_TRUE(exchange());
  const Client::Answer& answer = client.answers[id];
  const Client::Fields expected{{":status", "103"},
                                {"link", "</a>"},
                                {":status", "200"},
                                {"x-a", "b"},
                                {"content-length", "40000"}};
  EXPECT_EQ(answer.fields, expected);
  EXPECT_EQ(answer.body.size(), 40'000u);
  EXPECT_EQ(answer.error, 0u);
  EXPECT_TRUE(owner.requests[id].closed);
  EXPECT_FALSE(owner.requests[id].failed);
}

TEST_F(H2SessionTest, LeavesTheVerdictOnHostsToTheReader) {
  auto verdict = [this](const Client::Fields& fields) {
    Client raw(false);
    owner.requests.clear();
    server = H2Session::create({}, owner);
    raw.request(fields);
    exchange_with(raw);
    if (owner.requests.empty()) return std::string("reset");
    RequestHead head;
    ParseFault fault;
    uint32_t scanned = 0;
    const auto status = read_request(owner.requests.begin()->second.head, {}, scanned, head, fault);
    return status == ParseStatus::complete ? std::string(head.host) : std::string(fault.reason);
  };
  const Client::Fields bare{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}};
  EXPECT_EQ(verdict(kGet), "a.test");
  EXPECT_EQ(verdict(with(kGet, {{"host", "a.test"}})), "a.test");
  EXPECT_EQ(verdict(with(kGet, {{"host", "b.test"}})), "two Host fields");
  EXPECT_EQ(verdict(with(bare, {{"host", "b.test"}})), "b.test");
  EXPECT_EQ(verdict(with(bare, {{":authority", "user@b.test"}})), "an invalid Host");
}

TEST_F(H2SessionTest, RefusesWhatHttp1CannotCarry) {
  const std::vector<Client::Fields> bad{
      with(kGet, {{"connection", "close"}}),
      with(kGet, {{"transfer-encoding", "chunked"}}),
      with(kGet, {{"te", "gzip"}}),
      with(kGet, {{"a b", "x"}}),
      with(kGet, {{"", "x"}}),
      with(kGet, {{"x", "a\r\nevil: 1"}}),
      with(kGet, {{"x", std::string("a\0b", 3)}}),
      with(kGet, {{"x", " padded"}}),
      with(kGet, {{":path", "/twice"}}),
      with(kGet, {{":unknown", "x"}}),
      {{":method", "GET"},
       {":scheme", "http"},
       {":path", "/ HTTP/1.1\r\nx: y"},
       {":authority", "a"}},
      {{":method", "GET / HTTP/1.1"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}},
      {{":method", "GET"}, {":scheme", "http"}, {":path", "http://b/"}, {":authority", "a"}},
      {{":method", "GET"}, {":scheme", "http"}, {":path", "*"}, {":authority", "a"}},
      {{":method", "GET"}, {":scheme", "http"}, {":path", ""}, {":authority", "a"}},
      {{":method", "GET"}, {":scheme", "ftp"}, {":path", "/"}, {":authority", "a"}},
      {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a b"}},
      {{":method", "GET"}, {":path", "/"}, {":authority", "a"}},
      {{":scheme", "http"}, {":path", "/"}, {":authority", "a"}},
  };
  for (const Client::Fields& fields : bad) {
    Client raw(false);
    server = H2Session::create({}, owner);
    owner.requests.clear();
    const int32_t id = raw.request(fields);
    exchange_with(raw);
    EXPECT_TRUE(owner.requests.empty()) << fields.back().first << "=" << fields.back().second;
    EXPECT_EQ(raw.answers[id].error, uint32_t{NGHTTP2_PROTOCOL_ERROR}) << fields.back().first;
  }
}

TEST_F(H2SessionTest, TellsTheReaderOfHeadsThatAreTooLarge) {
  const int32_t id = client.request(
      with(kGet, {{"a", std::string(20'000, 'a')}, {"b", std::string(20'000, 'b')}, {"c", "c"}}));
  ASSERT_TRUE(exchange());
  RequestHead head;
  ParseFault fault;
  uint32_t scanned = 0;
  ASSERT_EQ(read_request(owner.requests[id].head, {}, scanned, head, fault), ParseStatus::error);
  EXPECT_EQ(fault.status, 431);
}

TEST_F(H2SessionTest, MeasuresFieldsOneByOne) {
  auto fault_of = [this](Client::Fields more) {
    const int32_t id = client.request(with(kGet, std::move(more)));
    EXPECT_TRUE(exchange());
    RequestHead head;
    head.http2 = true;
    ParseFault fault{.status = 0, .reason = {}};
    uint32_t scanned = 0;
    read_request(owner.requests[id].head, {}, scanned, head, fault);
    return fault.status;
  };
  EXPECT_EQ(fault_of({{"a", std::string(8'189, 'a')}, {"b", std::string(8'000, 'b')}}), 0);
  EXPECT_EQ(fault_of({{"a", std::string(8'190, 'a')}}), 431);
  // A Cookie that came in parts may be longer.
  EXPECT_EQ(fault_of({{"cookie", std::string(8'000, 'a')}, {"cookie", std::string(8'000, 'b')}}),
            0);
}

TEST_F(H2SessionTest, EndsConnectionsThatUnpackTooMuch) {
  Client::Fields fields = kGet;
  for (int i = 0; i < 60; ++i) fields.emplace_back("bomb", std::string(3'000, 'a'));
  client.request(fields);
  EXPECT_FALSE(exchange());
  EXPECT_EQ(client.goaway, uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
  EXPECT_TRUE(owner.requests.empty());
}

TEST_F(H2SessionTest, HoldsBodiesToTheirContentLength) {
  for (const char* length : {"3", "5"}) {
    std::string body = "four";
    auto post = with(kGet, {{"content-length", length}});
    const int32_t id = client.request(post, &body);
    ASSERT_TRUE(exchange());
    EXPECT_TRUE(owner.requests[id].failed) << length;
    EXPECT_FALSE(owner.requests[id].complete);
  }
}

TEST_F(H2SessionTest, EndsConnectionsThatOnlyMakeNoise) {
  const std::vector<std::string> noises{
      std::string("\0\0\x08\x06\0\0\0\0\0"
                  "12345678",
                  17),                                          // PING
      std::string("\0\0\0\x04\0\0\0\0\0", 9),                   // SETTINGS
      std::string("\0\0\x04\x08\0\0\0\0\0\0\0\0\x01", 13),      // WINDOW_UPDATE
      std::string("\0\0\x05\x02\0\0\0\0\x09\0\0\0\0\x01", 14),  // PRIORITY
  };
  for (const std::string& noise : noises) {
    Owner quiet;
    auto session = H2Session::create({}, quiet);
    ASSERT_TRUE(session->receive(Client().take_output(), 1));
    int frames = 0;
    while (frames < 5'000 && session->receive(noise, 1 + frames / 100)) ++frames;
    EXPECT_LT(frames, 1'100) << int{noise[3]};
    session->send();
  }
}

TEST_F(H2SessionTest, EndsConnectionsThatTakeRequestsBack) {
  int taken_back = 0;
  while (taken_back < 5'000) {
    const int32_t id = client.request(kGet);
    if (!exchange()) break;
    nghttp2_submit_rst_stream(client.session, 0, id, NGHTTP2_CANCEL);
    if (!exchange() || client.goaway != ~0U) break;
    ++taken_back;
  }
  EXPECT_LT(taken_back, 300);
}

TEST_F(H2SessionTest, SaysGoodbyeInTwoSteps) {
  const int32_t first = client.request(kGet);
  ASSERT_TRUE(exchange());
  server->announce_end();
  ASSERT_TRUE(exchange());
  EXPECT_EQ(client.goaway, 0u);
  server->end();
  ASSERT_TRUE(exchange());
  EXPECT_FALSE(server->finished());
  ASSERT_TRUE(respond(first, "HTTP/1.1 204 No\r\n\r\n"));
  ASSERT_TRUE(exchange());
  EXPECT_EQ(client.answers[first].error, 0u);
  EXPECT_TRUE(server->finished());
}

}  // namespace
}  // namespace sallyport::http
