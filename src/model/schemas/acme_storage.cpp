#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& acme_storage() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "acme_storage";
    s.cache_key = {"key"};
    s.workspaceable = false;
    s.ttl = true;
    s.fields = {
        typedefs::id(),
        string("key", {.required = true, .unique = true, .automatic = true}),
        string("value", {.required = true, .automatic = true}),
        typedefs::created_at(),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
