// Tables of plugins that keep state in the database.
#include "postgres/migrations/schema_parts.h"

namespace sallyport::postgres {

const char* const kAcmeTables = R"sql(
CREATE TABLE acme_storage (
  id         uuid,
  key        text,
  value      text,
  created_at timestamptz,
  ttl        timestamptz,
  CONSTRAINT acme_storage_pkey PRIMARY KEY (id),
  CONSTRAINT acme_storage_key_key UNIQUE (key)
);
CREATE INDEX acme_storage_ttl_idx ON acme_storage USING btree (ttl);
CREATE TRIGGER acme_storage_ttl_trigger AFTER INSERT ON acme_storage
  FOR EACH STATEMENT EXECUTE FUNCTION batch_delete_expired_rows('ttl');
)sql";

const char* const kRateLimitingTables = R"sql(
CREATE TABLE ratelimiting_metrics (
  identifier  text,
  period      text,
  period_date timestamptz,
  service_id  uuid DEFAULT '00000000-0000-0000-0000-000000000000',
  route_id    uuid DEFAULT '00000000-0000-0000-0000-000000000000',
  value       integer,
  ttl         timestamptz,
  CONSTRAINT ratelimiting_metrics_pkey
    PRIMARY KEY (identifier, period, period_date, service_id, route_id)
);
CREATE INDEX ratelimiting_metrics_idx
  ON ratelimiting_metrics USING btree (service_id, route_id, period_date, period);
CREATE INDEX ratelimiting_metrics_ttl_idx ON ratelimiting_metrics USING btree (ttl);
CREATE TRIGGER ratelimiting_metrics_ttl_trigger AFTER INSERT ON ratelimiting_metrics
  FOR EACH STATEMENT EXECUTE FUNCTION batch_delete_expired_rows('ttl');
)sql";

const char* const kResponseRateLimitingTables = R"sql(
CREATE TABLE response_ratelimiting_metrics (
  identifier  text,
  period      text,
  period_date timestamptz,
  service_id  uuid DEFAULT '00000000-0000-0000-0000-000000000000',
  route_id    uuid DEFAULT '00000000-0000-0000-0000-000000000000',
  value       integer,
  CONSTRAINT response_ratelimiting_metrics_pkey
    PRIMARY KEY (identifier, period, period_date, service_id, route_id)
);
)sql";

const char* const kSessionTables = R"sql(
CREATE TABLE sessions (
  id         uuid,
  session_id text,
  expires    integer,
  data       text,
  created_at timestamptz,
  ttl        timestamptz,
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  CONSTRAINT sessions_session_id_key UNIQUE (session_id)
);
CREATE INDEX session_sessions_expires_idx ON sessions USING btree (expires);
CREATE INDEX sessions_ttl_idx ON sessions USING btree (ttl);
CREATE TRIGGER sessions_ttl_trigger AFTER INSERT ON sessions
  FOR EACH STATEMENT EXECUTE FUNCTION batch_delete_expired_rows('ttl');

CREATE TABLE session_metadatas (
  id         uuid,
  session_id uuid,
  sid        text,
  subject    text,
  audience   text,
  created_at timestamptz,
  CONSTRAINT session_metadatas_pkey PRIMARY KEY (id),
  CONSTRAINT session_metadatas_session_id_fkey
    FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE
);
CREATE INDEX session_id_idx ON session_metadatas USING btree (session_id);
CREATE INDEX subject_audience_idx ON session_metadatas USING btree (subject, audience);
)sql";

}  // namespace sallyport::postgres
