#include "http/h2_session.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "http/h2_fields.h"
#include "http/h2_memory.h"
#include "http/headers.h"

namespace sallyport::http {
namespace {

// A peer pays for every frame and earns by what it brings along or lets us send. What is left after
// that is noise: pings, settings, priorities, window updates, resets, empty frames.
constexpr uint64_t kMostCredit = 1'000;
constexpr uint64_t kCreditPerSecond = 100;
constexpr uint64_t kEarnedByResponse = 4;
constexpr uint64_t kEarnedByFrameSent = 2;

// Requests that a peer may take back at once, and per second (CVE-2023-44487). nghttp2 has such a
// limit, too, and an error that says nothing.
constexpr uint64_t kMostResets = 256;
constexpr uint64_t kResetsPerSecond = 64;
constexpr uint64_t kThousand = 1'000;  // each counts as so many
constexpr uint64_t kNoResetLimit = uint64_t{1} << 62;

// A header list beyond this many times its limit is an attack (HPACK makes four kilobytes of a
// byte) and not worth an answer.
constexpr uint64_t kBombFactor = 4;

// Names of fields that are not indexed leave the table with time. Numbers of streams, two for each.
constexpr int32_t kIndexAllEvery = 128;

constexpr size_t kFrameHead = 9;
constexpr size_t kMostAcks = kMostCredit;  // that wait to be written
constexpr size_t kMostContinuations = 8;

struct OptionDeleter {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};
struct CallbacksDeleter {
  void operator()(nghttp2_session_callbacks* callbacks) const {
    nghttp2_session_callbacks_del(callbacks);
  }
};
using OptionPtr = std::unique_ptr<nghttp2_option, OptionDeleter>;
using CallbacksPtr = std::unique_ptr<nghttp2_session_callbacks, CallbacksDeleter>;

std::string_view view(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

bool opens_request(const nghttp2_frame* frame) {
  return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

OptionPtr make_options() {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) return nullptr;
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);  // it would keep as many as it lets be open
  nghttp2_option_set_max_outbound_ack(option, kMostAcks);
  nghttp2_option_set_max_continuations(option, kMostContinuations);
  nghttp2_option_set_stream_reset_rate_limit(option, kNoResetLimit, 1);
  return OptionPtr(option);
}

}  // namespace

struct H2Session::Callbacks {
  static H2Session& of(void* self) { return *static_cast<H2Session*>(self); }

  // What nghttp2 lets pass (RFC 9113 sections 5.1, 5.1.1, 6.3).
  static uint32_t fault_of(H2Session& session, const nghttp2_frame_hd& frame) {
    if (frame.type == NGHTTP2_PRIORITY && frame.stream_id == 0) return NGHTTP2_PROTOCOL_ERROR;
    const bool opens = frame.type == NGHTTP2_HEADERS;
    if ((!opens && frame.type != NGHTTP2_DATA) || frame.stream_id % 2 == 0) return 0;
    const auto verdict =
        opens ? session.peer_streams_.on_headers(frame.stream_id) : H2PeerStreams::Verdict::fine;
    if ((frame.flags & NGHTTP2_FLAG_END_STREAM) != 0) session.peer_streams_.on_end(frame.stream_id);
    if (verdict == H2PeerStreams::Verdict::never_opened) return NGHTTP2_PROTOCOL_ERROR;
    return verdict == H2PeerStreams::Verdict::ended ? NGHTTP2_STREAM_CLOSED : NGHTTP2_NO_ERROR;
  }

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* frame, void* self) {
    H2Session& session = of(self);
    if (const uint32_t fault = session.role_ == Role::server ? fault_of(session, *frame) : 0) {
      session.break_off(fault);
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    // Body is counted where its size is known.
    if (frame->type == NGHTTP2_DATA && frame->length > 0) return 0;
    const bool reset = frame->type == NGHTTP2_RST_STREAM && session.role_ == Role::server;
    const bool paid = session.pay(1) && (!reset || session.pay_reset());
    return paid ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    H2Session& session = of(self);
    session.in_request_ = opens_request(frame);
    if (session.in_request_ && session.streams_ >= session.limits_.max_streams) {
      session.reset(frame->hd.stream_id, H2Error::refused);
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // the fields still go through the decoder
    }
    if (session.in_request_) {
      session.request_.begin(session.limits_.max_head, session.limits_.max_field_line);
    } else {
      session.response_.begin(session.limits_.max_head);
    }
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                    void* self) {
    H2Session& session = of(self);
    uint64_t list_size = 0;
    const bool sound = session.add_field(view(name, name_size), view(value, value_size), list_size);
    if (list_size > kBombFactor * session.limits_.max_head) {
      session.give_up();
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (sound) return 0;
    nghttp2_submit_rst_stream(session.session_, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                              NGHTTP2_PROTOCOL_ERROR);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  // nghttp2 would leave a malformed field out and go on.
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t,
                            const uint8_t*, size_t, uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame_received(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    const bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (opens_request(frame)) return of(self).take_request(frame->hd.stream_id, last);
    if (frame->hd.type == NGHTTP2_GOAWAY) of(self).goodbye_ = true;
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
    void* stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      of(self).take_response(frame->hd.stream_id, stream, last);
    } else if (last) {
      of(self).owner_.on_body_end(stream, {});
    }
    return 0;
  }

  static int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (void* stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id)) {
      of(self).owner_.on_sent(stream);
    }
    return 0;
  }

  static int frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* self) {
    if (opens_request(frame)) of(self).owner_.on_unsent(frame->hd.stream_id);
    return 0;
  }

  static int data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* bytes, size_t size,
                  void* self) {
    if (void* stream = nghttp2_session_get_stream_user_data(session, id)) {
      of(self).owner_.on_body(stream, view(bytes, size));
    } else {
      of(self).consume_rest(size);
    }
    return 0;
  }

  static int closed(nghttp2_session* session, int32_t id, uint32_t error, void* self) {
    if (void* stream = nghttp2_session_get_stream_user_data(session, id)) {
      if (of(self).role_ == Role::server) --of(self).streams_;
      if (error == NGHTTP2_NO_ERROR) of(self).earn(kEarnedByResponse);
      of(self).owner_.on_closed(stream, static_cast<H2Error>(error));
    }
    return 0;
  }

  static ssize_t read_body(nghttp2_session* session, int32_t id, uint8_t*, size_t size,
                           uint32_t* flags, nghttp2_data_source* source, void* self) {
    const H2Owner::Ready ready = of(self).owner_.ready_body(source->ptr, size);
    if (ready.last) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (ready.size == 0 && !ready.last) return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (ready.last && submit_trailers(session, id, ready.trailers)) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return static_cast<ssize_t>(ready.size);
  }

  static bool submit_trailers(nghttp2_session* session, int32_t id, std::string_view lines) {
    if (lines.empty()) return false;
    // Of a few bytes each there may be more than of any other fields.
    std::array<nghttp2_nv, kMaxHeaders> few;
    std::vector<nghttp2_nv> many;
    std::span<nghttp2_nv> fields = few;
    if (const auto most = static_cast<size_t>(std::ranges::count(lines, '\n')); most > few.size()) {
      many.resize(most);
      fields = many;
    }
    const size_t count = h2_trailer_fields(lines, fields);
    return count > 0 && nghttp2_submit_trailer(session, id, fields.data(), count) == 0;
  }

  static int send_body(nghttp2_session*, nghttp2_frame*, const uint8_t* frame_head, size_t,
                       nghttp2_data_source* source, void* self) {
    of(self).owner_.write(view(frame_head, kFrameHead));
    of(self).owner_.write_body(source->ptr);
    of(self).earn(kEarnedByFrameSent);
    return 0;
  }

  static CallbacksPtr make() {
    nghttp2_session_callbacks* made = nullptr;
    if (nghttp2_session_callbacks_new(&made) != 0) return nullptr;
    nghttp2_session_callbacks_set_on_begin_frame_callback(made, &begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, &begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(made, &header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(made, &invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, &frame_received);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, &frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(made, &frame_not_sent);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &data);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, &closed);
    nghttp2_session_callbacks_set_send_data_callback(made, &send_body);
    return CallbacksPtr(made);
  }
};

std::unique_ptr<H2Session> H2Session::create(const H2Limits& limits, H2Owner& owner, Role role) {
  std::unique_ptr<H2Session> session(new H2Session(limits, owner, role));
  return session->start() ? std::move(session) : nullptr;
}

H2Session::~H2Session() {
  nghttp2_session_del(session_);
}

bool H2Session::start() {
  static const CallbacksPtr callbacks = Callbacks::make();
  static const OptionPtr options = make_options();
  credit_ = kMostCredit;
  resets_left_ = kMostResets * kThousand;
  if (callbacks == nullptr || options == nullptr) return false;
  auto* make = role_ == Role::server ? &nghttp2_session_server_new3 : &nghttp2_session_client_new3;
  if (make(&session_, callbacks.get(), this, options.get(), h2_memory()) != 0) return false;
  const std::array<nghttp2_settings_entry, 4> settings{
      {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits_.stream_window},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits_.max_head},
       {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
       {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}}};
  const size_t count = settings.size() - (role_ == Role::server ? 1 : 0);
  return nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), count) == 0 &&
         nghttp2_session_set_local_window_size(
             session_, NGHTTP2_FLAG_NONE, 0, static_cast<int32_t>(limits_.connection_window)) == 0;
}

bool H2Session::receive(std::string_view bytes, uint64_t now) {
  if (over_) return false;
  refill(now);
  const ssize_t taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken == NGHTTP2_ERR_FLOODED) give_up();
  if (taken < 0) over_ = true;
  return !over_;
}

bool H2Session::send() {
  while (owner_.may_write()) {
    const uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) over_ = true;
    if (size <= 0) break;
    const std::string_view frame = view(bytes, static_cast<size_t>(size));
    if (!std::exchange(begun_, true) && role_ == Role::server) {
      write_settings(frame);
    } else {
      owner_.write(frame);
    }
  }
  return !over_;
}

// RFC 9113 section 5.1.2: who opens one stream too many loses that one. nghttp2 would end the
// connection once its own limit is acknowledged, so that it has none: the peer's is added here, and
// kept by begin_headers().
void H2Session::write_settings(std::string_view frame) {
  const nghttp2_settings_entry most{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.max_streams};
  std::array<uint8_t, 6> entry;
  nghttp2_pack_settings_payload(entry.data(), entry.size(), &most, 1);
  std::array<char, kFrameHead> head;
  frame.copy(head.data(), head.size());
  head[2] = static_cast<char>(head[2] + entry.size());  // the length's last byte
  owner_.write({head.data(), head.size()});
  owner_.write(view(entry.data(), entry.size()));
  owner_.write(frame.substr(head.size()));
}

bool H2Session::has_output() const {
  return nghttp2_session_want_write(session_) != 0;
}

bool H2Session::finished() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

bool H2Session::add_field(std::string_view name, std::string_view value, uint64_t& list_size) {
  const bool sound = in_request_ ? request_.add(name, value) : response_.add(name, value);
  list_size = in_request_ ? request_.list_size() : response_.list_size();
  return sound;
}

int H2Session::take_request(int32_t id, bool complete) {
  if (!request_.finish(complete)) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_PROTOCOL_ERROR);
    return 0;
  }
  void* stream = owner_.on_request(id, {.text = request_.text(),
                                        .method = request_.method(),
                                        .complete = complete,
                                        .chunked = request_.chunked()});
  if (stream == nullptr) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
  } else {
    nghttp2_session_set_stream_user_data(session_, id, stream);
    ++streams_;
  }
  return 0;
}

// Or trailers, of either side.
void H2Session::take_response(int32_t id, void* stream, bool complete) {
  if (response_.status() != 0) {
    return owner_.on_response(stream, {.text = response_.text(),
                                       .complete = complete,
                                       .status = response_.status(),
                                       .length = response_.length()});
  }
  // What a reader of chunks with the default limits takes.
  if (complete && response_.text().size() <= Limits{}.max_trailers) {
    return owner_.on_body_end(stream, response_.text());
  }
  reset(id, H2Error::protocol);
}

bool H2Session::respond(int32_t id, const ResponseHead& head, bool last) {
  std::array<nghttp2_nv, kMaxHeaders + 1> fields;
  std::array<char, 3> status;
  const bool index_all = id % kIndexAllEvery == 1;
  const size_t count = h2_response_fields(head, status, index_all, fields);
  if (head.status < 200) {
    return nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, fields.data(), count,
                                  nullptr) == 0;
  }
  nghttp2_data_provider body{};
  body.source.ptr = nghttp2_session_get_stream_user_data(session_, id);
  body.read_callback = &Callbacks::read_body;
  if (body.source.ptr == nullptr) return false;
  return nghttp2_submit_response(session_, id, fields.data(), count, last ? nullptr : &body) == 0;
}

int32_t H2Session::request(const RequestHead& head, std::string_view scheme, bool last,
                           void* stream) {
  std::array<nghttp2_nv, kMaxHeaders + 4> fields;
  const size_t count = h2_request_fields(head, scheme, fields);
  nghttp2_data_provider body{};
  body.source.ptr = stream;
  body.read_callback = &Callbacks::read_body;
  const int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), count,
                                            last ? nullptr : &body, stream);
  return id > 0 ? id : -1;
}

bool H2Session::takes_requests() const {
  return !over_ && !goodbye_ && nghttp2_session_check_request_allowed(session_) != 0;
}

uint32_t H2Session::most_streams() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

void H2Session::resume(int32_t id) {
  nghttp2_session_resume_data(session_, id);
}

void H2Session::consume(int32_t id, size_t bytes) {
  nghttp2_session_consume(session_, id, bytes);
}

void H2Session::consume_rest(size_t bytes) {
  nghttp2_session_consume_connection(session_, bytes);
}

void H2Session::reset(int32_t id, H2Error why) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, static_cast<uint32_t>(why));
}

void H2Session::announce_end() {
  nghttp2_submit_shutdown_notice(session_);
}

void H2Session::end() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

bool H2Session::pay(uint64_t price) {
  if (credit_ < price) {
    give_up();
    return false;
  }
  credit_ -= price;
  return true;
}

bool H2Session::pay_reset() {
  if (resets_left_ < kThousand) {
    give_up();
    return false;
  }
  resets_left_ -= kThousand;
  return true;
}

void H2Session::earn(uint64_t amount) {
  credit_ = std::min(kMostCredit, credit_ + amount);
}

void H2Session::refill(uint64_t now) {
  if (refilled_ == 0) refilled_ = now;
  const uint64_t earned = (now - refilled_) * kCreditPerSecond / 1'000;
  if (earned == 0) return;
  resets_left_ =
      std::min(kMostResets * kThousand, resets_left_ + (now - refilled_) * kResetsPerSecond);
  refilled_ = now;
  earn(earned);
}

void H2Session::give_up() {
  break_off(NGHTTP2_ENHANCE_YOUR_CALM);
}

void H2Session::break_off(uint32_t error) {
  over_ = true;
  nghttp2_session_terminate_session(session_, error);
}

}  // namespace sallyport::http
