#include "model/formats.h"
#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& targets() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "targets";
    s.endpoint_key = "target";
    s.cache_key = {"upstream", "target"};
    s.fields = {
        typedefs::id(),
        typedefs::timestamp_ms("created_at"),
        typedefs::timestamp_ms("updated_at"),
        foreign("upstream", "upstreams", {.required = true, .on_delete = OnDelete::cascade}),
        string("target", {.required = true,
                          .rules = {custom_text(formats::target)},
                          .canonical = formats::canonical_target}),
        integer("weight", {.defaults = 100, .null_is_default = true, .rules = {between(0, 65535)}}),
        typedefs::tags(),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
