#include "admin/admin_api.h"

#include "admin/batch_endpoint.h"
#include "admin/browser_guard.h"
#include "admin/config_endpoints.h"
#include "admin/control_endpoints.h"
#include "admin/endpoints.h"
#include "admin/entity_endpoints.h"
#include "admin/health_endpoints.h"
#include "admin/node_endpoints.h"
#include "admin/response_headers.h"
#include "admin/tag_endpoints.h"
#include "base/json.h"
#include "base/log.h"

namespace sallyport::admin {
namespace {

Answer options_answer(const Endpoint& endpoint, const Request& request) {
  Answer answer = no_content();
  std::string allow = endpoint.allow();
  auto asked = request.header("access-control-request-headers");
  answer.headers = {{"Allow", allow},
                    {"Access-Control-Allow-Methods", allow},
                    {"Access-Control-Allow-Headers", std::string(asked.value_or("Content-Type"))}};
  return answer;
}

}  // namespace

struct AdminApi::Parts {
  Parts(model::Store& store, NodeInfo& info, DeclaredNode* declared,
        model::TargetHealthBoard* health)
      : node(info), entities(store) {
    add_node_endpoints(endpoints, node, store);
    add_config_endpoints(endpoints, declared);
    add_control_endpoints(endpoints);
    add_tag_endpoints(endpoints, store);
    entities.add_to(endpoints);
    add_health_endpoints(endpoints, entities, store, node, health);
    add_batch_endpoint(endpoints, store,
                       [this](const http::BufferedRequest& one) { return answer(one); });
  }

  Answer answer(const http::BufferedRequest& raw) {
    auto request = Request::parse(raw);
    if (!request) return std::move(request.error());
    std::vector<std::string> keys;
    const Endpoint* endpoint = endpoints.find(request->segments, keys);
    if (endpoint == nullptr) return not_found();
    if (request->method == "OPTIONS") return options_answer(*endpoint, *request);
    auto handler = endpoint->methods.find(request->method);
    if (handler == endpoint->methods.end()) return method_not_allowed();
    return handler->second(*request, keys);
  }

  NodeInfo& node;
  Endpoints endpoints;
  EntityEndpoints entities;
};

AdminApi::AdminApi(model::Store& store, NodeInfo& node, DeclaredNode* declared,
                   model::TargetHealthBoard* health)
    : parts_(std::make_unique<Parts>(store, node, declared, health)) {}

AdminApi::~AdminApi() = default;

http::BufferedResponse AdminApi::handle(const http::BufferedRequest& request) {
  TimePoint began = Clock::now();
  Answer answer;
  try {
    const NodeInfo& node = parts_->node;
    auto refused = refuse_foreign_page(request, node.gui_origins(), node.hostname());
    answer = refused ? *std::move(refused) : parts_->answer(request);
  } catch (const std::exception& problem) {  // of a library; a bug of ours
    log::error("the Admin API failed on {} {}: {}", request.method, request.target, problem.what());
    answer = message_answer(500, "An unexpected error occurred");
  }
  return with_headers(std::move(answer), request, parts_->node.gui_origins(), began);
}

}  // namespace sallyport::admin
