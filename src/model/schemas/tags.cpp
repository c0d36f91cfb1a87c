#include "model/formats.h"
#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

// What carries which tag: read-only, kept up to date by the database's triggers.
const EntitySchema& tags() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "tags";
    s.primary_key = {"tag"};
    s.endpoint_key = "tag";
    s.workspaceable = false;
    s.admin_api = false;
    s.declarative = false;
    s.fields = {
        string("tag", {.required = true, .rules = {custom_text(formats::tag)}}),
        string("entity_name", {.required = true}),
        string("entity_id", {.required = true, .automatic = true, .uuid = true}),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
