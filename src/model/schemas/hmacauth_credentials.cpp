#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& hmacauth_credentials() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = "hmacauth_credentials";
    s.path = "hmac-auths";
    s.nested_path = "hmac-auth";
    s.endpoint_key = "username";
    s.cache_key = {"username"};
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        foreign("consumer", "consumers", {.required = true, .on_delete = OnDelete::cascade}),
        string("username", {.required = true, .unique = true}),
        string("secret", {.automatic = true}),
        typedefs::tags(),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
