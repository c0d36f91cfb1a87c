#include "base/json.h"
#include "model/checks.h"
#include "model/pem.h"
#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

std::string fault(const Json& record, const Shape&, Json&) {
  auto pem = record.find("pem");
  if (pem != record.end() && pem->is_object()) return pem::key_pair_fault(*pem);
  auto jwk = record.find("jwk"), kid = record.find("kid");
  if (jwk == record.end() || !jwk->is_string() || kid == record.end() || !kid->is_string()) {
    return {};
  }
  return pem::jwk_fault(jwk->get_ref<const std::string&>(), kid->get_ref<const std::string&>());
}

Field pem_pair() {
  Shape pair{.fields = {string("private_key", {.encrypted = true, .referenceable = true}),
                        string("public_key", {.referenceable = true})},
             .checks = {at_least_one_of({"private_key", "public_key"})}};
  return record("pem", std::move(pair), {.rules = {custom(pem::key_pair_fault)}});
}

}  // namespace

const EntitySchema& keys() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "keys";
    s.endpoint_key = "name";
    s.cache_key = {"kid", "set"};
    s.fields = {
        typedefs::id(),
        foreign("set", "key_sets", {.on_delete = OnDelete::cascade}),
        string("name", {.unique = true}),
        string("kid", {.required = true}),
        string("jwk", {.encrypted = true, .referenceable = true}),
        pem_pair(),
        typedefs::tags(),
        typedefs::created_at(),
        typedefs::updated_at(),
    };
    s.checks = {mutually_exclusive({"jwk", "pem"}), at_least_one_of({"jwk", "pem"}),
                custom_entity_check({"jwk", "pem", "kid"}, fault)};
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
