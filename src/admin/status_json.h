// The body of GET /status, for the Admin and the Status API: Kong's fields, and below "sallyport"
// the state of the database link and of the configuration that the workers have.
#pragma once

#include <expected>

#include "admin/answer.h"
#include "admin/node_info.h"
#include "admin/request.h"

namespace sallyport::admin {

// `unit` (b, k, m, g) and `scale` (decimals) of the query say how bytes are written.
Answer status_answer(const NodeInfo& node, const Request& request);
// 200 when the node can serve traffic, 503 with the reason when it cannot yet.
Answer ready_answer(const NodeInfo& node);

Json link_json(const LinkFacts& link, int64_t now);

}  // namespace sallyport::admin
