#include "model/checks.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& consumers() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "consumers";
    s.endpoint_key = "username";
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        typedefs::updated_at(),
        string("username", {.unique = true}),
        string("custom_id", {.unique = true}),
        typedefs::tags(),
    };
    s.checks = {at_least_one_of({"custom_id", "username"})};
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
