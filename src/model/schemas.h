// The table of all entities that are declared. One file per entity in schemas/; a new one adds a
// function here and a line in schemas.cpp. Built on first use, any thread.
#pragma once

#include <span>
#include <string_view>

#include "model/schema.h"

namespace sallyport::model {

// In an order in which references come before what refers to them.
std::span<const EntitySchema* const> entities();

// By name ("services"); null when there is none.
const EntitySchema* find_entity(std::string_view name);

// The same and, beyond them, entities of Kong's that have no rows here: for /schemas.
const EntitySchema* find_shown(std::string_view name);

const EntitySchema& workspaces();
const EntitySchema& consumers();
const EntitySchema& certificates();
const EntitySchema& snis();
const EntitySchema& ca_certificates();
const EntitySchema& services();
const EntitySchema& routes();
const EntitySchema& upstreams();
const EntitySchema& targets();
const EntitySchema& plugins();
const EntitySchema& vaults();
const EntitySchema& key_sets();
const EntitySchema& keys();
const EntitySchema& tags();
const EntitySchema& acls();
const EntitySchema& keyauth_credentials();
const EntitySchema& basicauth_credentials();
const EntitySchema& hmacauth_credentials();
const EntitySchema& jwt_secrets();
const EntitySchema& oauth2_credentials();
const EntitySchema& oauth2_authorization_codes();
const EntitySchema& oauth2_tokens();
const EntitySchema& sessions();
const EntitySchema& acme_storage();

}  // namespace sallyport::model
