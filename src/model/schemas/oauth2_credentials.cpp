#include "base/json.h"
#include "model/digests.h"
#include "model/formats.h"
#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

// A secret that the client gave, or that was made for it, is kept as a hash when it asks for that.
void hash_secret(const Json& input, Json& row) {
  bool asked = input.contains("hash_secret") && input["hash_secret"] == true;
  if (!asked || !row["client_secret"].is_string()) return;
  const std::string& secret = row["client_secret"].get_ref<const std::string&>();
  if (!digests::is_password_hash(secret)) row["client_secret"] = digests::password_hash(secret);
}

}  // namespace

const EntitySchema& oauth2_credentials() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = "oauth2_credentials";
    s.path = s.nested_path = "oauth2";
    s.endpoint_key = "client_id";
    s.cache_key = {"client_id"};
    s.on_write = hash_secret;
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        foreign("consumer", "consumers", {.required = true, .on_delete = OnDelete::cascade}),
        string("name", {.required = true}),
        string("client_id", {.unique = true, .automatic = true}),
        string("client_secret", {.automatic = true, .encrypted = true}),
        boolean("hash_secret", {.required = true, .defaults = false}),
        array("redirect_uris", string("", {.rules = {custom_text(formats::redirect_uri)}})),
        typedefs::tags(),
        string("client_type", {.required = true,
                               .defaults = "confidential",
                               .rules = {one_of({"confidential", "public"})}}),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
