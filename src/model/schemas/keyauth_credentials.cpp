#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& keyauth_credentials() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = "keyauth_credentials";
    s.path = "key-auths";
    s.nested_path = "key-auth";
    s.endpoint_key = "key";
    s.cache_key = {"key"};
    s.ttl = true;
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        foreign("consumer", "consumers", {.required = true, .on_delete = OnDelete::cascade}),
        string("key", {.unique = true, .automatic = true}),
        typedefs::tags(),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
