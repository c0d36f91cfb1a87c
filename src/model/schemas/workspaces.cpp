#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

// The first part of a path of the Admin API may be a workspace: none is named as Kong's entities.
Rule no_entity() {
  return not_one_of({"workspaces", "consumers", "certificates", "services", "routes", "snis",
                     "upstreams", "targets", "plugins", "tags", "ca_certificates",
                     "clustering_data_planes", "parameters", "vaults", "key_sets", "keys",
                     "filter_chains"});
}

}  // namespace

const EntitySchema& workspaces() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = "workspaces";
    s.endpoint_key = "name";
    s.cache_key = {"name"};
    s.workspaceable = false;
    s.admin_api = false;
    s.fields = {
        typedefs::id(),         typedefs::name({.required = true, .rules = {no_entity()}}),
        string("comment"),      typedefs::created_at(),
        typedefs::updated_at(), record("meta", {}),
        record("config", {}),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
