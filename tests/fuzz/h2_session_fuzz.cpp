// fuzz: http base
// Whatever a client sends as HTTP/2, however it is cut: no head carries more than its own lines
// into HTTP/1, bodies stay within their windows, and what the session holds stays bounded.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "http/h1_reader.h"
#include "http/h2_session.h"

namespace {

using namespace sallyport::http;  // NOLINT

constexpr H2Limits kLimits{
    .max_streams = 8, .stream_window = 4'096, .connection_window = 65'535, .max_head = 2'048};

void require(bool holds) {
  if (!holds) std::abort();
}

struct Stream {
  int32_t id = 0;
  size_t unread = 0;
  bool body_over = false;
  bool closed = false;
  size_t answer = 0;  // bytes still to send
};

void check_head(const H2Head& given) {
  static RequestHead head;
  ParseFault fault;
  uint32_t scanned = 0;
  const Limits limits{.max_request_line = 2'048, .max_head = kLimits.max_head, .max_headers = 100};
  const ParseStatus status = read_request(given.text, limits, scanned, head, fault);
  require(status != ParseStatus::need_more || given.text.size() <= kLimits.max_head);
  if (status != ParseStatus::complete) return;
  require(head.size == given.text.size());
  const auto lines = std::ranges::count(given.text, '\n');
  require(lines == head.header_count + 2);
  require(head.method == given.method && !head.upgrade && head.keep_alive);
  require((head.framing == BodyFraming::chunked) == given.chunked);
  require(!given.complete || head.framing != BodyFraming::chunked);
  require(!head.target.starts_with("http"));
}

// What a reader of chunks makes of them is what went in.
void check_trailers(std::string_view trailers) {
  ChunkedReader reader;
  ParseFault fault;
  const std::string text = "0\r\n" + std::string(trailers) + "\r\n";
  const auto step = reader.next(text, Limits{}, fault);
  require(step.status == ParseStatus::complete && step.consumed == text.size());
  require(reader.trailers() == trailers);
}

struct Owner final : H2Owner {
  std::map<int32_t, Stream> streams;
  size_t written = 0;
  size_t reserved = 0;

  static Stream& of(void* stream) { return *static_cast<Stream*>(stream); }
  void* on_request(int32_t id, const H2Head& head) override {
    check_head(head);
    require(!streams.contains(id));
    streams[id] = {.id = id, .body_over = head.complete};
    return &streams[id];
  }
  void on_body(void* stream, std::string_view payload) override {
    require(!of(stream).closed && !of(stream).body_over);
    of(stream).unread += payload.size();
    // Before the client has acknowledged our settings it has the protocol's own window.
    require(of(stream).unread <= 65'535);
  }
  void on_response(void*, const H2Head&) override { std::abort(); }
  void on_unsent(int32_t) override { std::abort(); }
  void on_body_end(void* stream, std::string_view trailers) override {
    require(!of(stream).body_over && !of(stream).closed);
    of(stream).body_over = true;
    check_trailers(trailers);
  }
  void on_sent(void* stream) override { require(of(stream).answer == 0); }
  void on_closed(void* stream, H2Error) override {
    require(!of(stream).closed);
    of(stream).closed = true;
  }
  Ready ready_body(void* stream, size_t most) override {
    reserved = std::min(most, of(stream).answer);
    return {reserved, reserved == of(stream).answer};
  }
  void write_body(void* stream) override {
    of(stream).answer -= reserved;
    written += reserved;
  }
  void write(std::string_view bytes) override { written += bytes.size(); }
  bool may_write() const override { return true; }
};

// What the streams' sessions would do.
void act(H2Session& session, Owner& owner, uint8_t choice) {
  static ResponseHead head;
  uint32_t scanned = 0;
  ParseFault fault;
  const bool body = (choice & 1) != 0;
  read_response(body ? "HTTP/1.1 200 OK\r\nX-Y: z\r\nTransfer-Encoding: chunked\r\n\r\n"
                     : "HTTP/1.1 204 No\r\nConnection: x\r\n\r\n",
                {}, Method::get, scanned, head, fault);
  for (auto& [id, stream] : owner.streams) {
    if (stream.closed) continue;
    if ((choice & 2) != 0) session.consume(id, std::exchange(stream.unread, 0));
    if ((choice & 4) != 0 && stream.answer == 0) {
      stream.answer = body ? 5'000 : 0;
      if (!session.respond(id, head, !body)) stream.answer = 0;
    }
    if ((choice & 8) != 0) session.reset(id, H2Error::cancel);
  }
  std::erase_if(owner.streams, [](const auto& item) { return item.second.closed; });
  require(owner.streams.size() <= kLimits.max_streams);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const uint8_t choice = data[0];
  const size_t step = data[1] == 0 ? size : data[1];
  std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  Owner owner;
  auto session = H2Session::create(kLimits, owner);
  require(session != nullptr);
  if ((choice & 0x80) == 0) session->receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 1);
  for (uint64_t now = 1; !bytes.empty(); now += 3) {
    const std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    const auto exact = std::make_unique<char[]>(piece.size());
    std::ranges::copy(piece, exact.get());
    const bool sound = session->receive({exact.get(), piece.size()}, now);
    act(*session, owner, choice);
    if (!session->send() || !sound) break;
  }
  return 0;
}
