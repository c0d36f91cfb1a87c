#include "admin/entity_endpoints.h"

#include "admin/fault_answers.h"
#include "admin/paging.h"
#include "admin/request_body.h"
#include "base/json.h"
#include "base/uuid.h"
#include "model/complete.h"
#include "model/infer.h"
#include "model/schemas.h"
#include "model/validate.h"

namespace sallyport::admin {

using model::EntitySchema;
using model::Field;
using model::FieldType;

namespace {

bool refers_to(const Json& row, const std::string& field, const std::string& id) {
  auto reference = row.find(field);
  return reference != row.end() && reference->is_object() && reference->contains("id") &&
         (*reference)["id"] == id;
}

Json reference_to(const std::string& id) {
  return Json{{"id", id}};
}

// Targets live below their upstream only, and the certificate of a name is at /certificates/{name};
// Kong lists these paths all the same.
void add_disabled(Endpoints& endpoints) {
  for (const char* pattern : {"/targets", "/targets/{targets}", "/targets/{targets}/upstream",
                              "/snis/{snis}/certificate"}) {
    for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
      endpoints.add(pattern, method, [](auto&, Keys) { return not_found(); });
    }
  }
}

// The name of an entity that is unique only below its parent; empty for the others.
std::string local_name(const EntitySchema& entity) {
  if (&entity == &model::targets()) return "target";
  return &entity == &model::acls() ? "group" : "";
}

// In the form in which it is stored.
std::string canonical(const EntitySchema& entity, const std::string& field,
                      const std::string& key) {
  const Field* declared = entity.find(field);
  return declared->canonical ? declared->canonical(key) : key;
}

bool is_form(const Request& request) {
  std::string_view type = request.header("content-type").value_or("");
  return type.starts_with("application/x-www-form-urlencoded") ||
         type.starts_with("multipart/form-data");
}

}  // namespace

// ---- the table

void EntityEndpoints::add_to(Endpoints& endpoints) {
  for (const EntitySchema* entity : model::entities()) {
    if (!entity->admin_api) continue;
    if (entity != &model::targets()) add_entity(endpoints, *entity);
    for (const Field& field : entity->fields) {
      if (field.type != FieldType::foreign) continue;
      const EntitySchema* parent = model::find_entity(field.reference);
      if (parent == nullptr || !parent->admin_api) continue;
      add_below_parent(endpoints, *entity, field);
      bool disabled = entity == &model::targets() || entity == &model::snis();
      if (!disabled) add_reference(endpoints, *entity, field);
    }
  }
  add_disabled(endpoints);
}

void EntityEndpoints::add_entity(Endpoints& endpoints, Entity entity) {
  const EntitySchema* e = &entity;
  std::string all = "/" + entity.path, one = all + "/{" + entity.name + "}";
  auto on = [&](const std::string& pattern, const char* method, Handler handler) {
    endpoints.add(pattern, method, std::move(handler));
  };
  on(all, "GET", [this, e](const Request& r, Keys) { return list(*e, r, {}); });
  on(all, "POST", [this, e](const Request& r, Keys) { return create(*e, r, {}); });
  on(one, "GET", [this, e](const Request&, Keys k) { return get(*e, k[0], {}); });
  on(one, "PUT", [this, e](const Request& r, Keys k) { return put(*e, r, k[0], {}); });
  on(one, "PATCH", [this, e](const Request& r, Keys k) { return patch(*e, r, k[0], {}); });
  on(one, "DELETE", [this, e](const Request&, Keys k) { return remove(*e, k[0], {}); });
}

void EntityEndpoints::add_below_parent(Endpoints& endpoints, Entity entity, const Field& field) {
  const EntitySchema *e = &entity, *parent = model::find_entity(field.reference);
  const Field* f = &field;
  std::string all = "/" + parent->path + "/{" + parent->name + "}/" + entity.nested_path;
  std::string one = all + "/{" + entity.name + "}";
  // Runs `action` with the parent that the path names.
  auto on = [&](const std::string& pattern, const char* method, auto action) {
    endpoints.add(pattern, method, [this, parent, f, action](const Request& r, Keys k) {
      auto scope = scope_of(*parent, *f, k[0]);
      return scope ? action(r, k, *scope) : std::move(scope.error());
    });
  };
  on(all, "GET", [this, e](auto& r, Keys, const Scope& s) { return list(*e, r, s); });
  on(all, "POST", [this, e](auto& r, Keys, const Scope& s) { return create(*e, r, s); });
  if (e == &model::targets()) {
    on(all + "/all", "GET", [this, e](auto& r, Keys, const Scope& s) { return list(*e, r, s); });
  }
  on(one, "GET", [this, e](auto&, Keys k, const Scope& s) { return get(*e, k[1], s); });
  on(one, "PUT", [this, e](auto& r, Keys k, const Scope& s) { return put(*e, r, k[1], s); });
  on(one, "PATCH", [this, e](auto& r, Keys k, const Scope& s) { return patch(*e, r, k[1], s); });
  on(one, "DELETE", [this, e](auto&, Keys k, const Scope& s) { return remove(*e, k[1], s); });
}

void EntityEndpoints::add_reference(Endpoints& endpoints, Entity entity, const Field& field) {
  const EntitySchema *e = &entity, *target = model::find_entity(field.reference);
  const std::string name = field.name;
  std::string pattern = "/" + entity.path + "/{" + entity.name + "}/" + name;
  // Runs `action` with the id that the row refers to.
  auto on = [&](const char* method, auto action) {
    endpoints.add(pattern, method, [this, e, name, action](const Request& r, Keys k) -> Answer {
      Row row = find(*e, k[0]);
      if (!row) return std::move(row.error());
      if (!*row || !(**row)[name].is_object()) return not_found();
      return action(r, (**row)[name]["id"].template get<std::string>());
    });
  };
  on("GET", [this, target](auto&, const std::string& id) { return get(*target, id, {}); });
  on("PUT", [this, target](auto& r, const std::string& id) { return put(*target, r, id, {}); });
  on("PATCH", [this, target](auto& r, const std::string& id) { return patch(*target, r, id, {}); });
  on("DELETE", [](auto&, const std::string&) { return method_not_allowed(); });
}

// ---- rows

EntityEndpoints::Row EntityEndpoints::find(Entity entity, const std::string& key) {
  std::string field = "id";
  if (!is_uuid(key)) {
    if (&entity == &model::certificates()) return find_certificate(key);
    if (entity.endpoint_key.empty()) {
      return std::unexpected(invalid_primary_key("id", "expected a valid UUID"));
    }
    field = entity.endpoint_key;
    Json fault = model::validate_value(*entity.find(field), Json(key));
    if (!fault.is_null()) return std::unexpected(invalid_unique(field, fault.get<std::string>()));
  }
  auto found = store_.find(entity, field, key);
  if (!found) return std::unexpected(store_fault(entity, nullptr, found.error()));
  if (!*found) return std::optional<Json>();
  return model::stored_row(entity, **std::move(found));
}

EntityEndpoints::Row EntityEndpoints::find_row(Entity entity, const std::string& key) {
  return find(entity, key);
}

EntityEndpoints::Row EntityEndpoints::find_certificate(const std::string& name) {
  Row sni = find(model::snis(), name);
  if (!sni || !*sni) return sni;
  return find(model::certificates(), (**sni)["certificate"]["id"].get<std::string>());
}

EntityEndpoints::Row EntityEndpoints::find_in(Entity entity, const std::string& key,
                                              const Scope& scope) {
  std::string local = scope.field == nullptr || is_uuid(key) ? "" : local_name(entity);
  if (!local.empty()) {
    Json fault = model::validate_value(*entity.find(local), Json(key));
    if (!fault.is_null()) return std::optional<Json>();
    auto page = store_.page(entity, {.size = 1,
                                     .foreign_field = scope.field->name,
                                     .foreign_id = scope.id,
                                     .equals = {{local, canonical(entity, local, key)}}});
    if (!page) return std::unexpected(store_fault(entity, nullptr, page.error()));
    if (page->rows.empty()) return std::optional<Json>();
    return model::stored_row(entity, std::move(page->rows[0]));
  }
  Row row = find(entity, key);
  if (!row || !*row || scope.field == nullptr) return row;
  if (!refers_to(**row, scope.field->name, scope.id)) return std::optional<Json>();
  return row;
}

EntityEndpoints::Row EntityEndpoints::find_target(const std::string& upstream,
                                                  const std::string& key) {
  auto scope = scope_of(model::upstreams(), *model::targets().find("upstream"), upstream);
  if (!scope) return std::unexpected(std::move(scope.error()));
  return find_in(model::targets(), key, *scope);
}

std::expected<Json, Answer> EntityEndpoints::shown(Entity entity, Json row) {
  row = model::shown_row(entity, std::move(row));
  if (auto added = names_.add_to(entity, row); !added) return std::unexpected(added.error());
  return row;
}

std::expected<EntityEndpoints::Scope, Answer> EntityEndpoints::scope_of(Entity parent,
                                                                        const Field& field,
                                                                        const std::string& key) {
  Row row = find(parent, key);
  if (!row) return std::unexpected(std::move(row.error()));
  if (!*row) return std::unexpected(not_found());
  return Scope{&field, (**row)["id"].get<std::string>()};
}

// ---- methods

Answer EntityEndpoints::list(Entity entity, const Request& request, const Scope& scope) {
  auto query = read_page_query(request, scope.field == nullptr);
  if (!query) return std::move(query.error());
  if (scope.field != nullptr) {
    query->foreign_field = scope.field->name;
    query->foreign_id = scope.id;
  }
  if (&entity == &model::targets() && !request.path.ends_with("/all")) query->positive = "weight";
  if (auto id = request.argument("custom_id"); id && &entity == &model::consumers()) {
    query->equals.emplace_back("custom_id", *id);
  }
  auto page = store_.page(entity, *query);
  if (!page) {
    if (page.error().kind == model::StoreFault::Kind::bad_offset) {
      return invalid_offset(query->offset);
    }
    return store_fault(entity, nullptr, page.error());
  }
  for (Json& row : page->rows) {
    auto complete = shown(entity, std::move(row));
    if (!complete) return std::move(complete.error());
    row = *std::move(complete);
  }
  return json_answer(200, page_json(request, *query, *std::move(page)));
}

Answer EntityEndpoints::create(Entity entity, const Request& request, const Scope& scope) {
  auto input = read_body(request, &entity);
  if (!input) return std::move(input.error());
  if (scope.field != nullptr) (*input)[scope.field->name] = reference_to(scope.id);
  auto row = writer_.create(entity, *std::move(input));
  return row ? json_answer(201, *row) : std::move(row.error());
}

Answer EntityEndpoints::get(Entity entity, const std::string& key, const Scope& scope) {
  Row row = find_in(entity, key, scope);
  if (!row) return std::move(row.error());
  if (!*row) return not_found();
  auto complete = shown(entity, **std::move(row));
  return complete ? json_answer(200, *complete) : std::move(complete.error());
}

Answer EntityEndpoints::put(Entity entity, const Request& request, const std::string& key,
                            const Scope& scope) {
  auto input = read_body(request, &entity);
  if (!input) return std::move(input.error());
  std::string local = scope.field == nullptr ? "" : local_name(entity);
  bool by_name = !is_uuid(key);
  Row existing = by_name && !local.empty() ? find_in(entity, key, scope) : find(entity, key);
  if (!existing) return std::move(existing.error());
  if (!by_name) {
    (*input)["id"] = key;
  } else if (&entity == &model::certificates()) {
    if (!*existing && !input->contains("snis")) (*input)["snis"] = Json::array({key});
  } else if (!local.empty()) {
    if (!*existing || !input->contains(local)) (*input)[local] = key;  // the body may rename it
  } else {
    (*input)[entity.endpoint_key] = key;
  }
  if (scope.field != nullptr) {
    if (*existing && !refers_to(**existing, scope.field->name, scope.id)) return not_found();
    (*input)[scope.field->name] = reference_to(scope.id);
  }
  auto row = writer_.upsert(entity, *std::move(input), *existing);
  return row ? json_answer(200, *row) : std::move(row.error());
}

Answer EntityEndpoints::patch(Entity entity, const Request& request, const std::string& key,
                              const Scope& scope) {
  auto input = read_body(request, nullptr);
  if (!input) return std::move(input.error());
  Row existing = find_in(entity, key, scope);
  if (!existing) return std::move(existing.error());
  if (!*existing) return not_found();
  if (is_form(request)) input = model::infer_types(entity, *input, &**existing);
  auto row = writer_.update(entity, **existing, *std::move(input));
  if (!row) return std::move(row.error());
  return *row ? json_answer(200, **row) : not_found();
}

Answer EntityEndpoints::remove(Entity entity, const std::string& key, const Scope& scope) {
  Row existing = find_in(entity, key, scope);
  if (!existing) return std::move(existing.error());
  if (!*existing) return scope.field == nullptr ? no_content() : not_found();
  auto removed = writer_.remove(entity, (**existing)["id"].get<std::string>());
  return removed ? no_content() : std::move(removed.error());
}

}  // namespace sallyport::admin
