#include "model/schemas.h"

#include <algorithm>
#include <array>

namespace sallyport::model {

std::span<const EntitySchema* const> entities() {
  static const std::array all = {&workspaces(),
                                 &consumers(),
                                 &certificates(),
                                 &snis(),
                                 &ca_certificates(),
                                 &services(),
                                 &routes(),
                                 &upstreams(),
                                 &targets(),
                                 &plugins(),
                                 &vaults(),
                                 &key_sets(),
                                 &keys(),
                                 &tags(),
                                 &acls(),
                                 &keyauth_credentials(),
                                 &basicauth_credentials(),
                                 &hmacauth_credentials(),
                                 &jwt_secrets(),
                                 &oauth2_credentials(),
                                 &oauth2_authorization_codes(),
                                 &oauth2_tokens(),
                                 &sessions(),
                                 &acme_storage()};
  return all;
}

const EntitySchema* find_entity(std::string_view name) {
  auto all = entities();
  auto found = std::ranges::find(all, name, [](const EntitySchema* s) { return s->name; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace sallyport::model
