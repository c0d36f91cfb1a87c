// The Status API (status_listen): /status and /status/ready, read-only. Control thread; owned by
// the application; `node` outlives it.
#pragma once

#include "admin/node_info.h"
#include "http/message.h"

namespace sallyport::admin {

class StatusApi {
 public:
  explicit StatusApi(NodeInfo& node) : node_(node) {}

  // As AdminApi::handle.
  http::BufferedResponse handle(const http::BufferedRequest& request);

 private:
  NodeInfo& node_;
};

}  // namespace sallyport::admin
