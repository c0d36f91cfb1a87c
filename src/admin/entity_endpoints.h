// The endpoints that every entity has, made from its declaration: lists, items, lists and items
// below a parent (/services/{services}/routes), and the entity that a row refers to
// (/routes/{routes}/service). Control thread.
#pragma once

#include "admin/endpoints.h"
#include "admin/entity_writer.h"
#include "model/store.h"

namespace sallyport::admin {

class EntityEndpoints {
 public:
  explicit EntityEndpoints(model::Store& store) : store_(store), writer_(store), names_(store) {}

  // Adds those of all entities of model::entities(). `this` outlives `endpoints`.
  void add_to(Endpoints& endpoints);

  using Entity = const model::EntitySchema&;
  using Row = std::expected<std::optional<Json>, Answer>;

  // By id or by endpoint key.
  Row find_row(Entity entity, const std::string& key);
  // The target `key` of the upstream `upstream`; nothing when either is not there.
  Row find_target(const std::string& upstream, const std::string& key);

 private:
  // A parent row below whose path the entity is looked at: `field` of the entity refers to it.
  struct Scope {
    const model::Field* field = nullptr;
    std::string id;
  };
  void add_entity(Endpoints& endpoints, Entity entity);
  void add_below_parent(Endpoints& endpoints, Entity entity, const model::Field& field);
  void add_reference(Endpoints& endpoints, Entity entity, const model::Field& field);

  // By id or by endpoint key; certificates also by one of their names.
  Row find(Entity entity, const std::string& key);
  Row find_certificate(const std::string& name);
  // The same, if it is one of the scope's. What is unique only below a parent is found by its name
  // there: targets, acls.
  Row find_in(Entity entity, const std::string& key, const Scope& scope);
  std::expected<Scope, Answer> scope_of(Entity parent, const model::Field& field,
                                        const std::string& key);

  Answer list(Entity entity, const Request& request, const Scope& scope);
  Answer create(Entity entity, const Request& request, const Scope& scope);
  Answer get(Entity entity, const std::string& key, const Scope& scope);
  Answer put(Entity entity, const Request& request, const std::string& key, const Scope& scope);
  Answer patch(Entity entity, const Request& request, const std::string& key, const Scope& scope);
  Answer remove(Entity entity, const std::string& key, const Scope& scope);

  // A stored row as it is shown.
  std::expected<Json, Answer> shown(Entity entity, Json row);

  model::Store& store_;
  EntityWriter writer_;
  CertificateNames names_;
};

}  // namespace sallyport::admin
