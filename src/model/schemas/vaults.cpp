#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

const Shape* by_name(std::string_view name) {
  static const Shape env{
      .fields = {record("config",
                        {.fields = {string("prefix", {.rules = {match("^[%a_-][%a%d_-]*$")}})}})}};
  return name == "env" ? &env : nullptr;
}

}  // namespace

const EntitySchema& vaults() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.path = s.nested_path = "vaults";
    s.table = "sm_vaults";
    s.endpoint_key = "prefix";
    s.cache_key = {"prefix"};
    s.subschema_key = "name";
    s.subschema_error = "vault '%s' is not installed";
    s.subschema = by_name;
    s.fields = {
        typedefs::id(),
        string("prefix", {.required = true,
                          .unique = true,
                          .rules = {not_one_of({"env"}), match("^[a-z][a-z%d-]-[a-z%d]+$")},
                          .unique_across_ws = true}),
        string("name", {.required = true}),
        string("description"),
        record("config", {}, {.required = true, .abstract = true}),
        typedefs::created_at(),
        typedefs::updated_at(),
        typedefs::tags(),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
