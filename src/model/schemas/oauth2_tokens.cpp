#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& oauth2_tokens() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "oauth2_tokens";
    s.endpoint_key = "access_token";
    s.cache_key = {"access_token"};
    s.ttl = true;
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        foreign("service", "services", {.defaults = nullptr, .on_delete = OnDelete::cascade}),
        foreign("credential", "oauth2_credentials",
                {.required = true, .on_delete = OnDelete::cascade}),
        string("token_type",
               {.required = true, .defaults = "bearer", .rules = {one_of({"bearer"})}}),
        integer("expires_in", {.required = true}),
        string("access_token", {.unique = true, .automatic = true}),
        string("refresh_token", {.unique = true}),
        string("authenticated_userid"),
        string("scope"),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
