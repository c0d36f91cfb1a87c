#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& acls() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "acls";
    s.cache_key = {"consumer", "group"};
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        foreign("consumer", "consumers", {.required = true, .on_delete = OnDelete::cascade}),
        string("group", {.required = true}),
        typedefs::tags(),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
