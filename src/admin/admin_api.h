// The Admin API: answers one request after the other, synchronously, on the control thread. The
// workers' HTTP code receives requests on admin_listen and hands them over whole. Owned by the
// application; `store`, `node`, `declared` (null where there is a database) and `health` (null
// without a data plane) outlive it.
#pragma once

#include <memory>

#include "admin/declared_node.h"
#include "admin/node_info.h"
#include "http/message.h"
#include "model/store.h"
#include "model/target_health.h"

namespace sallyport::admin {

class AdminApi {
 public:
  AdminApi(model::Store& store, NodeInfo& node, DeclaredNode* declared = nullptr,
           model::TargetHealthBoard* health = nullptr);
  ~AdminApi();

  // Always answers; never throws. Adds every header but Date, Connection and Content-Length.
  // A HEAD request gets the body of the GET: the caller sends its length and leaves it out.
  // `*early` tells, when asked, that the answer is about rows that have been written and that this
  // node's data plane does not have yet: the same request may get a better one in a moment.
  http::BufferedResponse handle(const http::BufferedRequest& request, bool* early = nullptr);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sallyport::admin
