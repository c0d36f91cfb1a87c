// The tables of the entities that every gateway has, as Kong 3.10 leaves them.
#include "postgres/migrations/schema_parts.h"

namespace sallyport::postgres {

const char* const kCoreTables = R"sql(
CREATE TABLE workspaces (
  id         uuid,
  name       text,
  comment    text,
  created_at timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  meta       jsonb,
  config     jsonb,
  updated_at timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  CONSTRAINT workspaces_pkey PRIMARY KEY (id),
  CONSTRAINT workspaces_name_key UNIQUE (name)
);

CREATE TABLE certificates (
  id         uuid,
  created_at timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  cert       text,
  key        text,
  tags       text[],
  ws_id      uuid,
  cert_alt   text,
  key_alt    text,
  updated_at timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  CONSTRAINT certificates_pkey PRIMARY KEY (id),
  CONSTRAINT certificates_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT certificates_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX certificates_tags_idx ON certificates USING gin (tags);
CREATE TRIGGER certificates_sync_tags_trigger
  AFTER INSERT OR UPDATE OF tags OR DELETE ON certificates
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE ca_certificates (
  id          uuid,
  created_at  timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  cert        text NOT NULL,
  tags        text[],
  cert_digest text NOT NULL,
  updated_at  timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  CONSTRAINT ca_certificates_pkey PRIMARY KEY (id),
  CONSTRAINT ca_certificates_cert_digest_key UNIQUE (cert_digest)
);
CREATE TRIGGER ca_certificates_sync_tags_trigger
  AFTER INSERT OR UPDATE OF tags OR DELETE ON ca_certificates
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE snis (
  id             uuid,
  created_at     timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  name           text NOT NULL,
  certificate_id uuid,
  tags           text[],
  ws_id          uuid,
  updated_at     timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  CONSTRAINT snis_pkey PRIMARY KEY (id),
  CONSTRAINT snis_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT snis_name_key UNIQUE (name),
  CONSTRAINT snis_certificate_id_fkey
    FOREIGN KEY (certificate_id, ws_id) REFERENCES certificates(id, ws_id),
  CONSTRAINT snis_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX snis_certificate_id_idx ON snis USING btree (certificate_id);
CREATE INDEX snis_tags_idx ON snis USING gin (tags);
CREATE TRIGGER snis_sync_tags_trigger AFTER INSERT OR UPDATE OF tags OR DELETE ON snis
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE services (
  id                    uuid,
  created_at            timestamptz,
  updated_at            timestamptz,
  name                  text,
  retries               bigint,
  protocol              text,
  host                  text,
  port                  bigint,
  path                  text,
  connect_timeout       bigint,
  write_timeout         bigint,
  read_timeout          bigint,
  tags                  text[],
  client_certificate_id uuid,
  tls_verify            boolean,
  tls_verify_depth      smallint,
  ca_certificates       uuid[],
  ws_id                 uuid,
  enabled               boolean DEFAULT true,
  CONSTRAINT services_pkey PRIMARY KEY (id),
  CONSTRAINT services_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT services_ws_id_name_unique UNIQUE (ws_id, name),
  CONSTRAINT services_client_certificate_id_fkey
    FOREIGN KEY (client_certificate_id, ws_id) REFERENCES certificates(id, ws_id),
  CONSTRAINT services_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX services_fkey_client_certificate ON services USING btree (client_certificate_id);
CREATE INDEX services_tags_idx ON services USING gin (tags);
CREATE TRIGGER services_sync_tags_trigger AFTER INSERT OR UPDATE OF tags OR DELETE ON services
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE routes (
  id                         uuid,
  created_at                 timestamptz,
  updated_at                 timestamptz,
  name                       text,
  service_id                 uuid,
  protocols                  text[],
  methods                    text[],
  hosts                      text[],
  paths                      text[],
  snis                       text[],
  sources                    jsonb[],
  destinations               jsonb[],
  regex_priority             bigint,
  strip_path                 boolean,
  preserve_host              boolean,
  tags                       text[],
  https_redirect_status_code integer,
  headers                    jsonb,
  path_handling              text DEFAULT 'v0',
  ws_id                      uuid,
  request_buffering          boolean,
  response_buffering         boolean,
  expression                 text,
  priority                   bigint,
  CONSTRAINT routes_pkey PRIMARY KEY (id),
  CONSTRAINT routes_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT routes_ws_id_name_unique UNIQUE (ws_id, name),
  CONSTRAINT routes_service_id_fkey
    FOREIGN KEY (service_id, ws_id) REFERENCES services(id, ws_id),
  CONSTRAINT routes_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX routes_service_id_idx ON routes USING btree (service_id);
CREATE INDEX routes_tags_idx ON routes USING gin (tags);
CREATE TRIGGER routes_sync_tags_trigger AFTER INSERT OR UPDATE OF tags OR DELETE ON routes
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE consumers (
  id         uuid,
  created_at timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  username   text,
  custom_id  text,
  tags       text[],
  ws_id      uuid,
  updated_at timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  CONSTRAINT consumers_pkey PRIMARY KEY (id),
  CONSTRAINT consumers_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT consumers_ws_id_custom_id_unique UNIQUE (ws_id, custom_id),
  CONSTRAINT consumers_ws_id_username_unique UNIQUE (ws_id, username),
  CONSTRAINT consumers_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX consumers_tags_idx ON consumers USING gin (tags);
CREATE INDEX consumers_username_idx ON consumers USING btree (lower(username));
CREATE TRIGGER consumers_sync_tags_trigger AFTER INSERT OR UPDATE OF tags OR DELETE ON consumers
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE upstreams (
  id                        uuid,
  created_at                timestamptz DEFAULT (CURRENT_TIMESTAMP(3) AT TIME ZONE 'UTC'),
  name                      text,
  hash_on                   text,
  hash_fallback             text,
  hash_on_header            text,
  hash_fallback_header      text,
  hash_on_cookie            text,
  hash_on_cookie_path       text,
  slots                     integer NOT NULL,
  healthchecks              jsonb,
  tags                      text[],
  algorithm                 text,
  host_header               text,
  client_certificate_id     uuid,
  ws_id                     uuid,
  hash_on_query_arg         text,
  hash_fallback_query_arg   text,
  hash_on_uri_capture       text,
  hash_fallback_uri_capture text,
  use_srv_name              boolean DEFAULT false,
  updated_at                timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  CONSTRAINT upstreams_pkey PRIMARY KEY (id),
  CONSTRAINT upstreams_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT upstreams_ws_id_name_unique UNIQUE (ws_id, name),
  CONSTRAINT upstreams_client_certificate_id_fkey
    FOREIGN KEY (client_certificate_id) REFERENCES certificates(id),
  CONSTRAINT upstreams_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX upstreams_fkey_client_certificate ON upstreams USING btree (client_certificate_id);
CREATE INDEX upstreams_tags_idx ON upstreams USING gin (tags);
CREATE TRIGGER upstreams_sync_tags_trigger AFTER INSERT OR UPDATE OF tags OR DELETE ON upstreams
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE targets (
  id          uuid,
  created_at  timestamptz DEFAULT (CURRENT_TIMESTAMP(3) AT TIME ZONE 'UTC'),
  upstream_id uuid,
  target      text NOT NULL,
  weight      integer NOT NULL,
  tags        text[],
  ws_id       uuid,
  cache_key   text,
  updated_at  timestamptz DEFAULT (CURRENT_TIMESTAMP(3) AT TIME ZONE 'UTC'),
  CONSTRAINT targets_pkey PRIMARY KEY (id),
  CONSTRAINT targets_cache_key_key UNIQUE (cache_key),
  CONSTRAINT targets_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT targets_upstream_id_fkey
    FOREIGN KEY (upstream_id, ws_id) REFERENCES upstreams(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT targets_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX targets_tags_idx ON targets USING gin (tags);
CREATE INDEX targets_target_idx ON targets USING btree (target);
CREATE INDEX targets_upstream_id_idx ON targets USING btree (upstream_id);
CREATE TRIGGER targets_sync_tags_trigger AFTER INSERT OR UPDATE OF tags OR DELETE ON targets
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE plugins (
  id            uuid,
  created_at    timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  name          text NOT NULL,
  consumer_id   uuid,
  service_id    uuid,
  route_id      uuid,
  config        jsonb NOT NULL,
  enabled       boolean NOT NULL,
  cache_key     text,
  protocols     text[],
  tags          text[],
  ws_id         uuid,
  instance_name text,
  updated_at    timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  CONSTRAINT plugins_pkey PRIMARY KEY (id),
  CONSTRAINT plugins_cache_key_key UNIQUE (cache_key),
  CONSTRAINT plugins_id_ws_id_unique UNIQUE (id, ws_id),
  CONSTRAINT plugins_ws_id_instance_name_unique UNIQUE (ws_id, instance_name),
  CONSTRAINT plugins_consumer_id_fkey
    FOREIGN KEY (consumer_id, ws_id) REFERENCES consumers(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT plugins_route_id_fkey
    FOREIGN KEY (route_id, ws_id) REFERENCES routes(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT plugins_service_id_fkey
    FOREIGN KEY (service_id, ws_id) REFERENCES services(id, ws_id) ON DELETE CASCADE,
  CONSTRAINT plugins_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX plugins_consumer_id_idx ON plugins USING btree (consumer_id);
CREATE INDEX plugins_name_idx ON plugins USING btree (name);
CREATE INDEX plugins_route_id_idx ON plugins USING btree (route_id);
CREATE INDEX plugins_service_id_idx ON plugins USING btree (service_id);
CREATE INDEX plugins_tags_idx ON plugins USING gin (tags);
CREATE TRIGGER plugins_sync_tags_trigger AFTER INSERT OR UPDATE OF tags OR DELETE ON plugins
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE sm_vaults (
  id          uuid,
  ws_id       uuid,
  prefix      text,
  name        text NOT NULL,
  description text,
  config      jsonb NOT NULL,
  created_at  timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  updated_at  timestamptz,
  tags        text[],
  CONSTRAINT sm_vaults_pkey PRIMARY KEY (id),
  CONSTRAINT sm_vaults_id_ws_id_key UNIQUE (id, ws_id),
  CONSTRAINT sm_vaults_prefix_key UNIQUE (prefix),
  CONSTRAINT sm_vaults_prefix_ws_id_key UNIQUE (prefix, ws_id),
  CONSTRAINT sm_vaults_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX sm_vaults_tags_idx ON sm_vaults USING gin (tags);
CREATE TRIGGER sm_vaults_sync_tags_trigger AFTER INSERT OR UPDATE OF tags OR DELETE ON sm_vaults
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE key_sets (
  id         uuid,
  name       text,
  tags       text[],
  ws_id      uuid,
  created_at timestamptz,
  updated_at timestamptz,
  CONSTRAINT key_sets_pkey PRIMARY KEY (id),
  CONSTRAINT key_sets_name_key UNIQUE (name),
  CONSTRAINT key_sets_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX key_sets_tags_idx ON key_sets USING gin (tags);
CREATE TRIGGER key_sets_sync_tags_trigger AFTER INSERT OR UPDATE OF tags OR DELETE ON key_sets
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE keys (
  id         uuid,
  set_id     uuid,
  name       text,
  cache_key  text,
  ws_id      uuid,
  kid        text,
  jwk        text,
  pem        jsonb,
  tags       text[],
  created_at timestamptz,
  updated_at timestamptz,
  CONSTRAINT keys_pkey PRIMARY KEY (id),
  CONSTRAINT keys_cache_key_key UNIQUE (cache_key),
  CONSTRAINT keys_kid_set_id_key UNIQUE (kid, set_id),
  CONSTRAINT keys_name_key UNIQUE (name),
  CONSTRAINT keys_set_id_fkey FOREIGN KEY (set_id) REFERENCES key_sets(id) ON DELETE CASCADE,
  CONSTRAINT keys_ws_id_fkey FOREIGN KEY (ws_id) REFERENCES workspaces(id)
);
CREATE INDEX keys_fkey_key_sets ON keys USING btree (set_id);
CREATE INDEX keys_tags_idx ON keys USING gin (tags);
CREATE TRIGGER keys_sync_tags_trigger AFTER INSERT OR UPDATE OF tags OR DELETE ON keys
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE filter_chains (
  id         uuid,
  name       text,
  enabled    boolean DEFAULT true,
  route_id   uuid,
  service_id uuid,
  ws_id      uuid,
  cache_key  text,
  filters    jsonb[],
  tags       text[],
  created_at timestamptz,
  updated_at timestamptz,
  CONSTRAINT filter_chains_pkey PRIMARY KEY (id),
  CONSTRAINT filter_chains_cache_key_key UNIQUE (cache_key),
  CONSTRAINT filter_chains_name_key UNIQUE (name),
  CONSTRAINT filter_chains_route_id_fkey
    FOREIGN KEY (route_id) REFERENCES routes(id) ON DELETE CASCADE,
  CONSTRAINT filter_chains_service_id_fkey
    FOREIGN KEY (service_id) REFERENCES services(id) ON DELETE CASCADE,
  CONSTRAINT filter_chains_ws_id_fkey
    FOREIGN KEY (ws_id) REFERENCES workspaces(id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX filter_chains_cache_key_idx ON filter_chains USING btree (cache_key);
CREATE UNIQUE INDEX filter_chains_name_idx ON filter_chains USING btree (name);
CREATE INDEX filter_chains_tags_idx ON filter_chains USING gin (tags);
CREATE TRIGGER filter_chains_sync_tags_trigger
  AFTER INSERT OR UPDATE OF tags OR DELETE ON filter_chains
  FOR EACH ROW EXECUTE FUNCTION sync_tags();

CREATE TABLE tags (
  entity_id   uuid,
  entity_name text,
  tags        text[],
  CONSTRAINT tags_pkey PRIMARY KEY (entity_id)
);
CREATE INDEX tags_entity_name_idx ON tags USING btree (entity_name);
CREATE INDEX tags_tags_idx ON tags USING gin (tags);
)sql";

}  // namespace sallyport::postgres
