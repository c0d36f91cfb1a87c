#include "proxy/exchange.h"

#include "http/uri.h"
#include "proxy/plugin_run.h"

namespace sallyport::proxy {

Exchange::Exchange() = default;
Exchange::~Exchange() = default;

std::string_view Exchange::matched_path() const {
  const std::string_view matched = match.matched_path;
  const bool alike = decoded_path.data() == path.data();
  return path.substr(0, alike ? matched.size() : http::normal_size(matched));
}

void Exchange::reset() {
  plugins.reset();
  received_head.reset();
  received_response.reset();
  new_host = {};
  head.reset();
  scanned = 0;
  fault = {};
  body = {};
  body_room = {};
  path_room.reset();
  snapshot = SnapshotPin();
  route = nullptr;
  target = nullptr;
  show_debug = false;
  upstream_started = upstream_answered = 0;
  status = 0;
  body_sent = 0;
  added_fields.clear();
  consumer_key.clear();
  body_pending = linger = false;
}

}  // namespace sallyport::proxy
