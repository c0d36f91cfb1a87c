#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& sessions() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "sessions";
    s.endpoint_key = "session_id";
    s.cache_key = {"session_id"};
    s.workspaceable = false;
    s.ttl = true;
    s.declarative = false;
    s.fields = {
        typedefs::id(),         string("session_id", {.required = true, .unique = true}),
        integer("expires"),     string("data"),
        typedefs::created_at(),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
