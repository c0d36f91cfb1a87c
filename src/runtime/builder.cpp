#include "runtime/builder.h"

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "base/json.h"
#include "model/schemas.h"
#include "runtime/row_table.h"

namespace sallyport::runtime {
namespace {

std::string label(const model::Change& change) {
  return change.entity->name + " " + change.id;
}

// "host", or "host:port" where the port is not the scheme's own; IPv6 addresses in brackets.
std::string host_header(const model::Service& service) {
  bool secure = service.protocol == model::Protocol::https ||
                service.protocol == model::Protocol::grpcs ||
                service.protocol == model::Protocol::tls;
  bool bare_ipv6 = service.host.contains(':') && !service.host.starts_with('[');
  std::string host = bare_ipv6 ? "[" + service.host + "]" : service.host;
  if (service.port == (secure ? 443 : 80)) return host;
  return fmt::format("{}:{}", host, service.port);
}

bool about_identity(std::string_view entity) {
  return entity == "consumers" || entity == "keyauth_credentials" ||
         entity == "basicauth_credentials" || entity == "acls";
}

}  // namespace

std::span<const model::EntitySchema* const> Builder::entities() {
  static const auto all = [] {
    std::vector<const model::EntitySchema*> out;
    for (const RowTable& table : row_tables()) {
      if (table.entity != nullptr) out.push_back(table.entity);
    }
    return out;
  }();
  return all;
}

bool Builder::apply(const model::ChangeBatch& batch) {
  bool changed = batch.complete && forget_missing(batch);
  for (const model::Change& change : batch.changes) changed |= take(change);
  model_.sequence = batch.sequence;
  return changed;
}

bool Builder::take(const model::Change& change) {
  const RowTable* table = row_table(change.entity);
  if (table == nullptr) return false;
  if (about_identity(change.entity->name)) identities_.reset();
  if (change.row.empty()) {
    bad_rows_.erase(label(change));
    const bool erased = table->erase(model_, change.id);
    if (erased) mark_stale(change);
    return erased;
  }
  const Json row = parse_json(change.row);
  auto taken = row.is_discarded() ? fail("model.row", Side::database, "the row is no JSON")
                                  : table->take(model_, change.id, row);
  if (taken) {
    bad_rows_.erase(label(change));
    if (*taken) mark_stale(change);
    return *taken;
  }
  Error error = taken.error();
  error.detail = fmt::format("{}: {}; its last good form stays in use, if there was one",
                             label(change), error.detail);
  bad_rows_.insert_or_assign(label(change), std::move(error));
  return false;
}

void Builder::mark_stale(const model::Change& change) {
  const model::EntitySchema* entity = change.entity;
  if (entity == &model::routes()) stale_.routes.insert(change.id);
  if (entity == &model::services()) stale_.services.insert(change.id);
  if (entity == &model::plugins()) stale_.plugins.insert(change.id);
  stale_.upstreams |= entity == &model::upstreams() || entity == &model::targets();
}

bool Builder::forget_missing(const model::ChangeBatch& batch) {
  std::unordered_map<const model::EntitySchema*, std::unordered_set<std::string_view>> present;
  for (const model::Change& change : batch.changes) present[change.entity].insert(change.id);
  bad_rows_.clear();  // those that are still there come again in this batch
  bool changed = false;
  stale_.everything = true;
  identities_.reset();
  for (const RowTable& table : row_tables()) {
    changed |= table.keep_only(model_, present[table.entity]);
  }
  return changed;
}

void Builder::share_upstreams() {
  std::unordered_map<std::string_view, std::vector<std::shared_ptr<const model::Target>>> targets;
  for (const auto& [id, target] : model_.targets) targets[target->upstream_id].push_back(target);
  decltype(upstreams_) upstreams;
  for (const auto& [id, upstream] : model_.upstreams) {
    UpstreamEntry entry{upstream, std::move(targets[id])};
    std::ranges::sort(entry.targets, {}, [](const auto& t) -> const std::string& { return t->id; });
    auto known = upstreams_.find(upstream->name);
    const bool same = known != upstreams_.end() && *known->second == entry;
    upstreams[upstream->name] =
        same ? known->second : std::make_shared<const UpstreamEntry>(std::move(entry));
  }
  upstreams_ = std::move(upstreams);
  UpstreamList list;
  for (const auto& [name, entry] : upstreams_) list.push_back(entry);
  upstream_list_ = std::make_shared<const UpstreamList>(std::move(list));
}

std::shared_ptr<const UpstreamEntry> Builder::upstream_named(const std::string& name) const {
  auto found = upstreams_.find(name);
  return found == upstreams_.end() ? nullptr : found->second;
}

// A service is looked at again when it has changed, or when any upstream has: its host may name it.
void Builder::share_targets() {
  if (!stale_.everything && !stale_.upstreams) {
    for (const std::string& id : stale_.services) share_target(id);
    return;
  }
  std::vector<std::string> gone;
  for (const auto& [id, target] : targets_) {
    if (!model_.services.contains(id)) gone.push_back(id);
  }
  for (const std::string& id : gone) share_target(id);
  for (const auto& [id, service] : model_.services) share_target(id);
}

void Builder::share_target(const std::string& service_id) {
  auto found = model_.services.find(service_id);
  if (found == model_.services.end()) {
    targets_.erase(service_id);
  } else {
    const auto& service = found->second;
    std::shared_ptr<const ServiceTarget>& target = targets_[service_id];
    auto upstream = upstream_named(service->host);
    if (target && target->service == service && target->upstream == upstream) return;
    target = std::make_shared<const ServiceTarget>(
        ServiceTarget{service, host_header(*service), std::move(upstream)});
  }
  auto slots = slots_by_service_.find(service_id);
  if (slots == slots_by_service_.end()) return;
  for (const uint32_t slot : slots->second) stale_.routes.insert(placed_[slot]->id);
}

std::shared_ptr<const Snapshot> Builder::build() {
  if (stale_.upstreams || stale_.everything) share_upstreams();
  share_targets();
  configure_plugins();
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = ++version_;
  snapshot->sequence = model_.sequence;
  snapshot->identities = identities();
  snapshot->upstreams = upstream_list_;
  build_routes(*snapshot);
  stale_ = {};
  last_ = snapshot;
  return snapshot;
}

std::vector<Error> Builder::faults() const {
  std::vector<Error> result;
  for (const auto& [row, error] : bad_rows_) result.push_back(error);
  for (const auto& [id, error] : bad_routes_) result.push_back(error);
  for (const auto& [id, error] : bad_plugins_) result.push_back(error);
  result.insert(result.end(), bad_stream_routes_.begin(), bad_stream_routes_.end());
  return result;
}

}  // namespace sallyport::runtime
