// The Status API (status_listen): the node's status, metrics and the health of its upstreams,
// read-only. Control thread; owned by the application; `node` outlives it.
#pragma once

#include <functional>
#include <utility>

#include "admin/node_info.h"
#include "http/message.h"

namespace sallyport::admin {

class StatusApi {
 public:
  // `admin` answers what both APIs show.
  using Admin = std::function<http::BufferedResponse(const http::BufferedRequest&)>;

  explicit StatusApi(NodeInfo& node, Admin admin = nullptr)
      : node_(node), admin_(std::move(admin)) {}

  // As AdminApi::handle.
  http::BufferedResponse handle(const http::BufferedRequest& request);

 private:
  NodeInfo& node_;
  Admin admin_;
};

}  // namespace sallyport::admin
