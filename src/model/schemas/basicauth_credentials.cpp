#include "base/json.h"
#include "model/digests.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

// Kong's form, so that credentials made by either are good for both.
void hash_password(const Json& input, Json& row) {
  if (!input.contains("password") || !input["password"].is_string()) return;
  row["password"] = digests::sha1(input["password"].get_ref<const std::string&>() +
                                  row["consumer"]["id"].get_ref<const std::string&>());
}

}  // namespace

const EntitySchema& basicauth_credentials() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = "basicauth_credentials";
    s.path = "basic-auths";
    s.nested_path = "basic-auth";
    s.endpoint_key = "username";
    s.cache_key = {"username"};
    s.on_write = hash_password;
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        foreign("consumer", "consumers", {.required = true, .on_delete = OnDelete::cascade}),
        string("username", {.required = true, .unique = true}),
        string("password", {.required = true, .encrypted = true}),
        typedefs::tags(),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
