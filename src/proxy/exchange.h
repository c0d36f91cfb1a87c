// One request and its answer while they are under way. Pooled per worker, for it is large: a
// waiting connection has none. Views in it point into `head`, `path_room` and the pinned snapshot.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/h1_reader.h"
#include "http/request_target.h"
#include "net/block.h"
#include "proxy/client_head.h"
#include "proxy/targets.h"
#include "router/router.h"

namespace sallyport::proxy {

class PluginRun;

struct Exchange {
  Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  net::BlockPtr head;               // the received head, and a small body behind it
  net::BlockPtr received_head;      // what plugins replaced by `head`
  net::BlockPtr received_response;  // the same of an answer
  std::string_view new_host;        // a plugin's Host for the upstream; "" for none
  uint32_t scanned = 0;
  http::ParseFault fault;
  std::string_view body;  // the whole body, when it came with the head

  http::RequestTarget target_parts;
  std::string_view path;          // normalised
  std::string_view decoded_path;  // the same as routes see it
  net::BlockPtr path_room;        // their memory, when they differ from what came
  std::string lower_host;         // memory of `host`
  std::string_view host;          // lower case, without port
  std::string real_ip;            // memory of `client_ip`
  std::string_view client_ip;     // for whom the peer speaks, or the peer
  std::array<char, 32> request_id;

  SnapshotPin snapshot;
  const runtime::RouteEntry* route = nullptr;
  Target* target = nullptr;
  std::unique_ptr<PluginRun> plugins;  // null: the route has none
  DebugFields debug;
  bool show_debug = false;

  uint64_t started = 0;           // milliseconds of the loop's clock
  uint64_t upstream_started = 0;  // 0: no upstream was asked
  uint64_t upstream_answered = 0;

  // What the access log and the counters want to know.
  int status = 0;
  uint64_t body_sent = 0;

  // Of the answer to the client, proxied or our own: whole lines, ends included.
  std::string added_fields;
  // Who the client is said to be, for hash_on = consumer: the consumer's id or the credential's.
  std::string consumer_key;

  std::string body_room;  // memory of `body`, when it was gathered

  bool body_pending = false;  // the request has a body that has not been read
  bool linger = false;        // after closing, read on for a while: the client may still be sending

  Exchange* next_free = nullptr;

  // Behind what is small: most of their memory is seldom touched.
  router::Match match;
  http::RequestHead request;
  http::ResponseHead response;

  std::string_view id() const { return {request_id.data(), request_id.size()}; }
  // What the route's path matched, in the spelling of `path`.
  std::string_view matched_path() const;
  void reset();  // ready for the next request; keeps memory
};

}  // namespace sallyport::proxy
