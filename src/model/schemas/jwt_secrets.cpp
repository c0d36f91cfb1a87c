#include "model/checks.h"
#include "model/pem.h"
#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

// Algorithms whose signatures are checked with a public key. Kong asks for one with EdDSA and those
// of RSA; with ES256 and so on it is up to the client.
EntityCheck needs_public_key() {
  return conditional(
      "algorithm",
      {.rules = {match_any(
           {"^RS256$", "^RS384$", "^RS512$", "^PS256$", "^PS384$", "^PS512$", "^EdDSA$"}, "")}},
      "rsa_public_key", {.rules = {custom_text(pem::public_key_fault)}, .required = true});
}

}  // namespace

const EntitySchema& jwt_secrets() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = "jwt_secrets";
    s.path = "jwts";
    s.nested_path = "jwt";
    s.endpoint_key = "key";
    s.cache_key = {"key"};
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        foreign("consumer", "consumers", {.required = true, .on_delete = OnDelete::cascade}),
        string("key", {.unique = true, .automatic = true}),
        string("secret", {.automatic = true}),
        string("rsa_public_key"),
        string("algorithm",
               {.defaults = "HS256",
                .rules = {one_of({"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256",
                                  "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"})}}),
        typedefs::tags(),
    };
    s.checks = {needs_public_key()};
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
