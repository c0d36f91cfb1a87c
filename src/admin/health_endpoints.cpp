#include "admin/health_endpoints.h"

#include <algorithm>

#include "admin/fault_answers.h"
#include "admin/paging.h"
#include "base/json.h"
#include "model/complete.h"
#include "model/schemas.h"

namespace sallyport::admin {
namespace {

struct HealthEndpoints {
  EntityEndpoints& entities;
  model::Store& store;
  const NodeInfo& node;
  model::TargetHealthBoard* board;
};

Json weights(uint32_t total, uint32_t available) {
  return Json{{"total", total}, {"available", available}, {"unavailable", total - available}};
}

Json target_json(const model::TargetHealth& target) {
  Json addresses = Json::array();
  for (const model::AddressHealth& address : target.addresses) {
    addresses.push_back(Json{{"ip", address.ip},
                             {"port", address.port},
                             {"weight", address.weight},
                             {"health", model::name(address.health)}});
  }
  Json out = {{"host", target.host},
              {"port", target.port},
              {"nodeWeight", target.weight},
              {"weight", weights(target.total_weight(), target.available_weight())},
              {"addresses", std::move(addresses)}};
  if (!target.dns_error.empty()) out["dns"] = target.dns_error;
  return out;
}

Answer balancer_answer(const HealthEndpoints& parts, const std::string& id) {
  auto known = parts.board == nullptr ? std::nullopt : parts.board->read(id);
  model::Health health = known ? known->health : model::Health::checks_off;
  return json_answer(200, Json{{"data", {{"id", id}, {"health", model::name(health)}}},
                               {"next", nullptr},
                               {"node_id", parts.node.node_id()}});
}

// A target that the data plane does not know has no health that could be told.
void add_health(Json& row, const std::optional<model::UpstreamHealth>& known) {
  row["health"] = model::name(model::Health::checks_off);
  if (!known) return;
  auto target = std::ranges::find(known->targets, row["target"].get<std::string>(),
                                  &model::TargetHealth::target);
  if (target == known->targets.end()) return;
  row["health"] = model::name(target->health);
  row["data"] = target_json(*target);
}

// True when the board has not heard yet of what the database has, or has not resolved its name.
bool board_is_behind(const model::TargetHealthBoard& board, const Json& target) {
  if (target["weight"] == 0) return false;
  auto known = board.read(target["upstream"]["id"].get<std::string>());
  if (!known) return true;
  auto health = std::ranges::find(known->targets, target["target"].get<std::string>(),
                                  &model::TargetHealth::target);
  return health == known->targets.end() || (health->addresses.empty() && health->dns_error.empty());
}

Answer health_answer(const HealthEndpoints& parts, const Request& request, const std::string& key) {
  auto upstream = parts.entities.find_row(model::upstreams(), key);
  if (!upstream) return std::move(upstream.error());
  if (!*upstream) return not_found();
  std::string id = (**upstream)["id"].get<std::string>();
  if (request.argument("balancer_health").value_or("") == "1") return balancer_answer(parts, id);
  auto query = read_page_query(request, true);
  if (!query) return std::move(query.error());
  query->foreign_field = "upstream";
  query->foreign_id = id;
  query->positive = "weight";
  auto page = parts.store.page(model::targets(), *query);
  if (!page) return store_fault(model::targets(), nullptr, page.error());
  auto known = parts.board == nullptr ? std::nullopt : parts.board->read(id);
  bool early = false;
  for (Json& row : page->rows) {
    row = model::shown_row(model::targets(), std::move(row));
    early |= parts.board != nullptr && board_is_behind(*parts.board, row);
    add_health(row, known);
  }
  Json out = page_json(request, *query, *std::move(page));
  out["node_id"] = parts.node.node_id();
  Answer answer = json_answer(200, out);
  answer.early = early;
  return answer;
}

Answer mark(const HealthEndpoints& parts, Keys keys, bool healthy) {
  auto target = parts.entities.find_target(keys[0], keys[1]);
  if (!target) return std::move(target.error());
  if (!*target || parts.board == nullptr) return not_found();
  std::string address = keys.size() > 2 ? keys[2] : "";
  bool done = parts.board->mark((**target)["upstream"]["id"].get<std::string>(),
                                (**target)["target"].get<std::string>(), address, healthy);
  if (done) return no_content();
  Answer answer = not_found();
  answer.early = board_is_behind(*parts.board, **target);
  return answer;
}

}  // namespace

void add_health_endpoints(Endpoints& endpoints, EntityEndpoints& entities, model::Store& store,
                          const NodeInfo& node, model::TargetHealthBoard* board) {
  HealthEndpoints parts{entities, store, node, board};
  endpoints.add("/upstreams/{upstreams}/health", "GET",
                [parts](auto& r, Keys k) { return health_answer(parts, r, k[0]); });
  std::string target = "/upstreams/{upstreams}/targets/{targets}";
  for (const std::string& pattern : {target, target + "/{address}"}) {
    endpoints.add(pattern + "/healthy", "PUT",
                  [parts](auto&, Keys k) { return mark(parts, k, true); });
    endpoints.add(pattern + "/unhealthy", "PUT",
                  [parts](auto&, Keys k) { return mark(parts, k, false); });
  }
}

}  // namespace sallyport::admin
