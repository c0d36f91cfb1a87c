#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& key_sets() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = "key_sets";
    s.path = s.nested_path = "key-sets";
    s.endpoint_key = "name";
    s.fields = {
        typedefs::id(),         string("name", {.unique = true}), typedefs::tags(),
        typedefs::created_at(), typedefs::updated_at(),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
