#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& snis() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "snis";
    s.endpoint_key = "name";
    s.fields = {
        typedefs::id(),
        typedefs::sni("name", {.required = true, .unique = true, .unique_across_ws = true}),
        typedefs::created_at(),
        typedefs::updated_at(),
        typedefs::tags(),
        foreign("certificate", "certificates", {.required = true}),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
