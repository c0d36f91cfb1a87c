// Tables in which nodes keep account of themselves, and the functions behind the triggers of all
// tables. Kong's names; the bodies are ours.
#include "postgres/migrations/schema_parts.h"

namespace sallyport::postgres {

// The tags of all entities in one table, so that `GET /tags` need not look into each.
// Expired rows go with the insert of new ones, a hundred at a time, so that no insert waits long
// and two inserts do not wait for each other.
const char* const kFunctions = R"sql(
CREATE FUNCTION sync_tags() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM tags WHERE entity_id = OLD.id;
  ELSIF NEW.tags IS NULL THEN
    DELETE FROM tags WHERE entity_id = NEW.id;
  ELSE
    INSERT INTO tags (entity_id, entity_name, tags)
      VALUES (NEW.id, TG_TABLE_NAME, NEW.tags)
      ON CONFLICT (entity_id) DO UPDATE
        SET entity_name = EXCLUDED.entity_name, tags = EXCLUDED.tags;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION batch_delete_expired_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format(
    'DELETE FROM %1$I.%2$I WHERE ctid = ANY (ARRAY('
    ' SELECT ctid FROM %1$I.%2$I WHERE %3$I < CURRENT_TIMESTAMP'
    ' ORDER BY %3$I LIMIT 100 FOR UPDATE SKIP LOCKED))',
    TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0]);
  RETURN NULL;
END $$;
)sql";

const char* const kClusterTables = R"sql(
CREATE TABLE schema_meta (
  key           text,
  subsystem     text,
  last_executed text,
  executed      text[],
  pending       text[],
  CONSTRAINT schema_meta_pkey PRIMARY KEY (key, subsystem)
);

CREATE TABLE parameters (
  key        text,
  value      text NOT NULL,
  created_at timestamptz,
  CONSTRAINT parameters_pkey PRIMARY KEY (key)
);

CREATE TABLE locks (
  key   text,
  owner text,
  ttl   timestamptz,
  CONSTRAINT locks_pkey PRIMARY KEY (key)
);
CREATE INDEX locks_ttl_idx ON locks USING btree (ttl);

CREATE TABLE cluster_events (
  id        uuid,
  node_id   uuid NOT NULL,
  at        timestamptz NOT NULL,
  nbf       timestamptz,
  expire_at timestamptz NOT NULL,
  channel   text,
  data      text,
  CONSTRAINT cluster_events_pkey PRIMARY KEY (id)
);
CREATE INDEX cluster_events_at_idx ON cluster_events USING btree (at);
CREATE INDEX cluster_events_channel_idx ON cluster_events USING btree (channel);
CREATE INDEX cluster_events_expire_at_idx ON cluster_events USING btree (expire_at);
CREATE TRIGGER cluster_events_ttl_trigger AFTER INSERT ON cluster_events
  FOR EACH STATEMENT EXECUTE FUNCTION batch_delete_expired_rows('expire_at');

CREATE TABLE clustering_data_planes (
  id               uuid,
  hostname         text NOT NULL,
  ip               text NOT NULL,
  last_seen        timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  config_hash      text NOT NULL,
  ttl              timestamptz,
  version          text,
  sync_status      text NOT NULL DEFAULT 'unknown',
  updated_at       timestamptz DEFAULT (CURRENT_TIMESTAMP(0) AT TIME ZONE 'UTC'),
  labels           jsonb,
  cert_details     jsonb,
  rpc_capabilities text[],
  CONSTRAINT clustering_data_planes_pkey PRIMARY KEY (id)
);
CREATE INDEX clustering_data_planes_ttl_idx ON clustering_data_planes USING btree (ttl);
CREATE TRIGGER clustering_data_planes_ttl_trigger AFTER INSERT ON clustering_data_planes
  FOR EACH STATEMENT EXECUTE FUNCTION batch_delete_expired_rows('ttl');

CREATE TABLE clustering_rpc_requests (
  id       bigserial,
  node_id  uuid NOT NULL,
  reply_to uuid NOT NULL,
  ttl      timestamptz NOT NULL,
  payload  json NOT NULL,
  CONSTRAINT clustering_rpc_requests_pkey PRIMARY KEY (id)
);
CREATE INDEX clustering_rpc_requests_node_id_idx ON clustering_rpc_requests USING btree (node_id);

CREATE TABLE clustering_sync_version (
  version bigserial,
  CONSTRAINT clustering_sync_version_pkey PRIMARY KEY (version)
);
)sql";

}  // namespace sallyport::postgres
