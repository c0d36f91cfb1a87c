#include "admin/admin_api.h"

#include <algorithm>

#include <fmt/format.h>

#include "admin/batch_endpoint.h"
#include "admin/browser_guard.h"
#include "admin/config_endpoints.h"
#include "admin/control_endpoints.h"
#include "admin/endpoints.h"
#include "admin/entity_endpoints.h"
#include "admin/health_endpoints.h"
#include "admin/node_endpoints.h"
#include "admin/plugin_endpoints.h"
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
  Parts(model::Store& database, NodeInfo& info, DeclaredNode* declared,
        model::TargetHealthBoard* health)
      : store(database), node(info), entities(store) {
    add_node_endpoints(endpoints, node, store);
    add_config_endpoints(endpoints, declared);
    add_control_endpoints(endpoints, node);
    add_plugin_endpoints(endpoints, node, store);
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
    store.let_reads_fall_back(request->method == "GET");
    Answer answer = handler->second(*request, keys);
    if (request->method == "GET") mark_source(answer);
    return answer;
  }

  void mark_source(Answer& answer) {
    if (store.source() == model::Store::Source::kept_rows) mark_as_kept(answer);
    if (store.source() == model::Store::Source::standby) mark_as_standby(answer);
  }

  // The standby may lack the last changes, or the primary go on where this node cannot see it.
  void mark_as_standby(Answer& answer) {
    answer.headers.emplace_back("X-Sallyport-Source", "standby");
    answer.headers.emplace_back("Warning",
                                "110 sallyport \"the primary is away: a standby was read\"");
  }

  // The rows may have changed since, where the database could still be written to.
  void mark_as_kept(Answer& answer) {
    auto link = node.link();
    int64_t since = link && !link->connected ? link->since : unix_seconds();
    answer.headers.emplace_back(
        "X-Sallyport-Source",
        fmt::format("snapshot; age={}", std::max<int64_t>(0, unix_seconds() - since)));
    answer.headers.emplace_back(
        "Warning", "111 sallyport \"the database is away: these are the last rows seen\"");
  }

  model::Store& store;
  NodeInfo& node;
  Endpoints endpoints;
  EntityEndpoints entities;
};

AdminApi::AdminApi(model::Store& store, NodeInfo& node, DeclaredNode* declared,
                   model::TargetHealthBoard* health)
    : parts_(std::make_unique<Parts>(store, node, declared, health)) {}

AdminApi::~AdminApi() = default;

http::BufferedResponse AdminApi::handle(const http::BufferedRequest& request, bool* early) {
  TimePoint began = Clock::now();
  const OwnPages pages{parts_->node.gui_origins(), parts_->node.hostname(),
                       parts_->node.admin_is_local()};
  Answer answer;
  try {
    auto refused = refuse_foreign_page(request, pages);
    answer = refused ? *std::move(refused) : parts_->answer(request);
  } catch (const std::exception& problem) {  // of a library; a bug of ours
    log::error("the Admin API failed on {} {}: {}", request.method, request.target, problem.what());
    answer = message_answer(500, "An unexpected error occurred");
  }
  if (early != nullptr) *early = answer.early;
  return with_headers(std::move(answer), request, pages, began);
}

}  // namespace sallyport::admin
