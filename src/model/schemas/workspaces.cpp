#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& workspaces() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = "workspaces";
    s.endpoint_key = "name";
    s.cache_key = {"name"};
    s.workspaceable = false;
    s.admin_api = false;
    s.fields = {
        typedefs::id(),         typedefs::name({.required = true}),
        string("comment"),      typedefs::created_at(),
        typedefs::updated_at(), record("meta", {}),
        record("config", {}),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
