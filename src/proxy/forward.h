// One request on its way through an upstream and back: takes a connection, sends the rewritten head
// and the body, reads the answer's head, tries again where that is safe, and pumps the answer's
// body to the client. Lives in the coroutine frame of the request.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "proxy/body.h"
#include "proxy/exchange.h"
#include "proxy/retry.h"
#include "proxy/session.h"
#include "proxy/upstream_pool.h"

namespace sallyport::proxy {

class Forward {
 public:
  Forward(Session& session, Exchange& exchange);
  Forward(const Forward&) = delete;
  Forward& operator=(const Forward&) = delete;
  ~Forward();

  // True when the client's connection may serve another request.
  Task<bool> run();

 private:
  enum class HeadStep : uint8_t { need_more, complete, fault };

  // An attempt.
  AddressPool* pick_pool();
  AddressPool* pick_peer(BalancedUpstream& balanced);
  AddressPool* named_for_host(AddressPool& pool);
  bool take_pooled();
  Task<AttemptFault> resolve();
  void release_peer();
  void report_fault();
  Task<AttemptFault> connect();
  Task<net::Connected> open_connection();
  Task<AttemptFault> connect_http2();
  AttemptFault connect_fault(int error) const;
  void send_request();
  void write_head(net::BlockPtr& block);
  // How long to wait for the upstream's next bytes: `timeout_ms`, less when the client has gone or
  // goes meanwhile.
  uint32_t patience(uint32_t timeout_ms);
  void on_client_gone();
  void start_upload();
  uint32_t head_timeout() const;
  uint32_t read_timeout() const;
  uint32_t within_deadline(uint32_t timeout_ms) const;
  AttemptFault receive_fault(net::IoStatus status) const;  // before the response's head
  AttemptFault body_fault(net::IoStatus status) const;     // and behind it
  HeadStep take_head_bytes(net::BlockPtr block);
  void pass_interim(uint32_t size);
  bool may_try_again();
  bool nobody_waits() const;
  Task<bool> give_up();

  // The request's body.
  Task<void> upload();
  Task<void> splice_upload(BodyReader& reader, net::PipePtr pipe);
  void end_upload(AttemptFault fault);
  AttemptFault send_fault() const;
  Task<void> stop_upload();
  void record(std::string_view received);
  void rewind_body();
  bool uploading() const { return upload_.has_value() && !upload_->done(); }

  // The answer.
  Task<bool> respond();
  Task<AttemptFault> read_whole(std::string_view plugin, std::string& body);
  Task<AttemptFault> filter_response();
  Task<bool> tunnel();
  Task<void> pump(net::Stream& from, net::Stream& to);
  net::BlockPtr begin_response();
  bool take_body(BodyReader& reader, BodyWriter& writer, AttemptFault& fault);
  Task<AttemptFault> pump_response(BodyReader& reader, BodyWriter& writer);
  Task<AttemptFault> splice_response(BodyReader& reader, net::PipePtr pipe);
  bool said_goodbye() const;
  bool body_begins_soundly() const;
  bool finish_response(AttemptFault fault, bool bytes_left);

  net::Stream& client() const { return session_.stream(); }
  net::Stream& upstream() const { return *connection_->stream; }

  Session& session_;
  Exchange& exchange_;
  UpstreamConnectionPtr connection_;
  net::BlockPtr received_;  // the answer's head and what came with it
  uint32_t scanned_ = 0;
  uint32_t attempts_ = 0;
  uint32_t interim_ = 0;                  // answers before the answer
  PeerRoutePtr route_;                    // of this attempt, when the service's host is an upstream
  std::vector<balancer::PeerPtr> tried_;  // in vain
  std::optional<uint64_t> hash_;
  uint64_t attempt_started_ = 0;
  uint64_t deadline_ = 0;       // of the whole call, milliseconds of the loop's clock; 0: none
  uint64_t tunnel_active_ = 0;  // when a byte came last
  uint64_t tunnel_bytes_ = 0;   // to the client
  bool tunnel_over_ = false;
  bool websocket_ = false;  // the client wants to change to it
  bool used_up_ = false;    // the upstream's connection ended with its answer, or said more
  bool hashed_ = false;
  bool no_peer_ = false;
  AttemptFault fault_ = AttemptFault::none;
  AttemptFault upload_fault_ = AttemptFault::none;
  ClientFraming framing_ = ClientFraming::as_received;
  bool reused_ = false;        // the connection comes from the pool
  bool renamed_ = false;       // TLS asks for a name that is not the target's own
  bool fresh_only_ = false;    // after a stale one
  bool body_touched_ = false;  // bytes of the body have left for an upstream, and are not kept
  std::string replay_;         // those that are kept, as they came from the client
  bool keep_client_ = true;
  std::optional<Task<void>> upload_;
};

}  // namespace sallyport::proxy
