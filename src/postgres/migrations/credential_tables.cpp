// What consumers prove themselves with.
#include "postgres/migrations/schema_parts.h"

namespace sallyport::postgres {

const char* const kAclTables = R"sql(
CREATE TABLE acls (
  id          uuid,
  created_at  timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  consumer_id uuid,
  "group"     text,
  cache_key   text,
  tags        text[],
  ws_id       uuid,
  CONSTRAINT acls_pkey PRIMARY KEY (id),
  CONSTRAINT acls_cache_key_key UNIQUE (cache_key),
  CONSTRAINT acls_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT acls_consumer_id_fkey
    FOREIGN KEY (consumer_id, ws_id) REFERENCES consumers(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT acls_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX acls_consumer_id_idx ON acls USING btree (consumer_id);
CREATE INDEX acls_group_idx ON acls USING btree ("group");
CREATE INDEX acls_tags_idex_tags_idx ON acls USING gin (tags);
CREATE TRIGGER acls_sync_tags_trigger AFTER INSERT OR UPDATE OF tags OR DELETE ON acls
  FOR EACH ROW EXECUTE FUNCTION sync_tags();
)sql";

const char* const kBasicAuthTables = R"sql(
CREATE TABLE basicauth_credentials (
  id          uuid,
  created_at  timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  consumer_id uuid,
  username    text,
  password    text,
  tags        text[],
  ws_id       uuid,
  CONSTRAINT basicauth_credentials_pkey PRIMARY KEY (id),
  CONSTRAINT basicauth_credentials_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT basicauth_credentials_ws_id_username_unique UNIQUE (ws_id, username),
  CONSTRAINT basicauth_credentials_consumer_id_fkey
    FOREIGN KEY (consumer_id, ws_id) REFERENCES consumers(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT basicauth_credentials_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX basicauth_consumer_id_idx ON basicauth_credentials USING btree (consumer_id);
CREATE INDEX basicauth_tags_idex_tags_idx ON basicauth_credentials USING gin (tags);
CREATE TRIGGER basicauth_sync_tags_trigger
  AFTER INSERT OR UPDATE OF tags OR DELETE ON basicauth_credentials
  FOR EACH ROW EXECUTE FUNCTION sync_tags();
)sql";

const char* const kHmacAuthTables = R"sql(
CREATE TABLE hmacauth_credentials (
  id          uuid,
  created_at  timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  consumer_id uuid,
  username    text,
  secret      text,
  tags        text[],
  ws_id       uuid,
  CONSTRAINT hmacauth_credentials_pkey PRIMARY KEY (id),
  CONSTRAINT hmacauth_credentials_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT hmacauth_credentials_ws_id_username_unique UNIQUE (ws_id, username),
  CONSTRAINT hmacauth_credentials_consumer_id_fkey
    FOREIGN KEY (consumer_id, ws_id) REFERENCES consumers(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT hmacauth_credentials_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX hmacauth_credentials_consumer_id_idx ON hmacauth_credentials USING btree (consumer_id);
CREATE INDEX hmacauth_tags_idex_tags_idx ON hmacauth_credentials USING gin (tags);
CREATE TRIGGER hmacauth_sync_tags_trigger
  AFTER INSERT OR UPDATE OF tags OR DELETE ON hmacauth_credentials
  FOR EACH ROW EXECUTE FUNCTION sync_tags();
)sql";

const char* const kJwtTables = R"sql(
CREATE TABLE jwt_secrets (
  id             uuid,
  created_at     timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  consumer_id    uuid,
  key            text,
  secret         text,
  algorithm      text,
  rsa_public_key text,
  tags           text[],
  ws_id          uuid,
  CONSTRAINT jwt_secrets_pkey PRIMARY KEY (id),
  CONSTRAINT jwt_secrets_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT jwt_secrets_ws_id_key_unique UNIQUE (ws_id, key),
  CONSTRAINT jwt_secrets_consumer_id_fkey
    FOREIGN KEY (consumer_id, ws_id) REFERENCES consumers(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT jwt_secrets_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX jwt_secrets_consumer_id_idx ON jwt_secrets USING btree (consumer_id);
CREATE INDEX jwt_secrets_secret_idx ON jwt_secrets USING btree (secret);
CREATE INDEX jwtsecrets_tags_idex_tags_idx ON jwt_secrets USING gin (tags);
CREATE TRIGGER jwtsecrets_sync_tags_trigger
  AFTER INSERT OR UPDATE OF tags OR DELETE ON jwt_secrets
  FOR EACH ROW EXECUTE FUNCTION sync_tags();
)sql";

const char* const kKeyAuthTables = R"sql(
CREATE TABLE keyauth_credentials (
  id          uuid,
  created_at  timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  consumer_id uuid,
  key         text,
  tags        text[],
  ttl         timestamptz,
  ws_id       uuid,
  CONSTRAINT keyauth_credentials_pkey PRIMARY KEY (id),
  CONSTRAINT keyauth_credentials_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT keyauth_credentials_ws_id_key_unique UNIQUE (ws_id, key),
  CONSTRAINT keyauth_credentials_consumer_id_fkey
    FOREIGN KEY (consumer_id, ws_id) REFERENCES consumers(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT keyauth_credentials_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX keyauth_credentials_consumer_id_idx ON keyauth_credentials USING btree (consumer_id);
CREATE INDEX keyauth_credentials_ttl_idx ON keyauth_credentials USING btree (ttl);
CREATE INDEX keyauth_tags_idex_tags_idx ON keyauth_credentials USING gin (tags);
CREATE TRIGGER keyauth_credentials_ttl_trigger AFTER INSERT ON keyauth_credentials
  FOR EACH STATEMENT EXECUTE FUNCTION batch_delete_expired_rows('ttl');
CREATE TRIGGER keyauth_sync_tags_trigger
  AFTER INSERT OR UPDATE OF tags OR DELETE ON keyauth_credentials
  FOR EACH ROW EXECUTE FUNCTION sync_tags();
)sql";

const char* const kOauth2Tables = R"sql(
CREATE TABLE oauth2_credentials (
  id            uuid,
  created_at    timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  name          text,
  consumer_id   uuid,
  client_id     text,
  client_secret text,
  redirect_uris text[],
  tags          text[],
  client_type   text,
  hash_secret   boolean,
  ws_id         uuid,
  CONSTRAINT oauth2_credentials_pkey PRIMARY KEY (id),
  CONSTRAINT oauth2_credentials_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT oauth2_credentials_ws_id_client_id_unique UNIQUE (ws_id, client_id),
  CONSTRAINT oauth2_credentials_consumer_id_fkey
    FOREIGN KEY (consumer_id, ws_id) REFERENCES consumers(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT oauth2_credentials_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX oauth2_credentials_consumer_id_idx ON oauth2_credentials USING btree (consumer_id);
CREATE INDEX oauth2_credentials_secret_idx ON oauth2_credentials USING btree (client_secret);
CREATE INDEX oauth2_credentials_tags_idex_tags_idx ON oauth2_credentials USING gin (tags);
CREATE TRIGGER oauth2_credentials_sync_tags_trigger
  AFTER INSERT OR UPDATE OF tags OR DELETE ON oauth2_credentials
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE oauth2_authorization_codes (
  id                   uuid,
  created_at           timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  credential_id        uuid,
  service_id           uuid,
  code                 text,
  authenticated_userid text,
  scope                text,
  ttl                  timestamptz,
  challenge            text,
  challenge_method     text,
  ws_id                uuid,
  plugin_id            uuid,
  CONSTRAINT oauth2_authorization_codes_pkey PRIMARY KEY (id),
  CONSTRAINT oauth2_authorization_codes_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT oauth2_authorization_codes_ws_id_code_unique UNIQUE (ws_id, code),
  CONSTRAINT oauth2_authorization_codes_credential_id_fkey
    FOREIGN KEY (credential_id, ws_id) REFERENCES oauth2_credentials(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT oauth2_authorization_codes_plugin_id_fkey
    FOREIGN KEY (plugin_id) REFERENCES plugins(id) ON DELETE CASCADE,
  CONSTRAINT oauth2_authorization_codes_service_id_fkey
    FOREIGN KEY (service_id, ws_id) REFERENCES services(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT oauth2_authorization_codes_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX oauth2_authorization_codes_authenticated_userid_idx
  ON oauth2_authorization_codes USING btree (authenticated_userid);
CREATE INDEX oauth2_authorization_codes_ttl_idx ON oauth2_authorization_codes USING btree (ttl);
CREATE INDEX oauth2_authorization_credential_id_idx
  ON oauth2_authorization_codes USING btree (credential_id);
CREATE INDEX oauth2_authorization_service_id_idx
  ON oauth2_authorization_codes USING btree (service_id);
CREATE TRIGGER oauth2_authorization_codes_ttl_trigger AFTER INSERT ON oauth2_authorization_codes
  FOR EACH STATEMENT EXECUTE FUNCTION batch_delete_expired_rows('ttl');

CREATE TABLE oauth2_tokens (
  id                   uuid,
  created_at           timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  credential_id        uuid,
  service_id           uuid,
  access_token         text,
  refresh_token        text,
  token_type           text,
  expires_in           integer,
  authenticated_userid text,
  scope                text,
  ttl                  timestamptz,
  ws_id                uuid,
  CONSTRAINT oauth2_tokens_pkey PRIMARY KEY (id),
  CONSTRAINT oauth2_tokens_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT oauth2_tokens_ws_id_access_token_unique UNIQUE (ws_id, access_token),
  CONSTRAINT oauth2_tokens_ws_id_refresh_token_unique UNIQUE (ws_id, refresh_token),
  CONSTRAINT oauth2_tokens_credential_id_fkey
    FOREIGN KEY (credential_id, ws_id) REFERENCES oauth2_credentials(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT oauth2_tokens_service_id_fkey
    FOREIGN KEY (service_id, ws_id) REFERENCES services(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT oauth2_tokens_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX oauth2_tokens_authenticated_userid_idx
  ON oauth2_tokens USING btree (authenticated_userid);
CREATE INDEX oauth2_tokens_credential_id_idx ON oauth2_tokens USING btree (credential_id);
CREATE INDEX oauth2_tokens_service_id_idx ON oauth2_tokens USING btree (service_id);
CREATE INDEX oauth2_tokens_ttl_idx ON oauth2_tokens USING btree (ttl);
CREATE TRIGGER oauth2_tokens_ttl_trigger AFTER INSERT ON oauth2_tokens
  FOR EACH STATEMENT EXECUTE FUNCTION batch_delete_expired_rows('ttl');
)sql";

}  // namespace sallyport::postgres
