// What /metrics of the Admin and the Status API says in Prometheus' text format: the node's
// connections, memory and database, by the names that Kong's plugin gives them, and the link to the
// database in detail. Control thread.
#pragma once

#include <string>

#include "admin/answer.h"
#include "admin/node_info.h"

namespace sallyport::admin {

std::string metrics_text(const NodeInfo& node);
Answer metrics_answer(const NodeInfo& node);

}  // namespace sallyport::admin
