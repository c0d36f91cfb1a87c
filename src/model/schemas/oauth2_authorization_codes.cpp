#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& oauth2_authorization_codes() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "oauth2_authorization_codes";
    s.ttl = true;
    s.admin_api = false;
    s.declarative = false;
    const Attributes scope = {.defaults = nullptr, .on_delete = OnDelete::cascade};
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        foreign("service", "services", scope),
        foreign("credential", "oauth2_credentials",
                {.required = true, .on_delete = OnDelete::cascade}),
        string("code", {.unique = true, .automatic = true}),
        string("authenticated_userid"),
        string("scope"),
        string("challenge"),
        string("challenge_method", {.rules = {one_of({"S256"})}}),
        foreign("plugin", "plugins", scope),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
