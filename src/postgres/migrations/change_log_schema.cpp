#include "postgres/migrations/change_log_schema.h"

namespace sallyport::postgres {

// `transaction` rather than `sequence` says who has seen an entry: numbers are drawn before the
// commit, so a smaller one may appear after a larger one.
const char* const kChangeLogTables = R"sql(
CREATE SCHEMA IF NOT EXISTS {log};
CREATE TABLE IF NOT EXISTS {log}.migrations (
  name text PRIMARY KEY,
  at   timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS {log}.change_log (
  sequence    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at          timestamptz NOT NULL DEFAULT clock_timestamp(),
  entity      text NOT NULL,
  operation   text NOT NULL CHECK (operation IN ('insert', 'update', 'delete', 'truncate')),
  id          uuid
);
CREATE INDEX IF NOT EXISTS change_log_transaction_idx ON {log}.change_log (transaction);
COMMENT ON SCHEMA {log} IS 'Sallyport: tells gateway nodes what changed in the configuration';
)sql";

// SECURITY DEFINER: whoever may write the configuration need not have rights in our schema. All
// notifications of one transaction are equal, so the server sends one.
const char* const kChangeLogFunctions = R"sql(
CREATE OR REPLACE FUNCTION {log}.log_row() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.id <> NEW.id) THEN
    INSERT INTO {log}.change_log (entity, operation, id) VALUES (TG_TABLE_NAME, 'delete', OLD.id);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO {log}.change_log (entity, operation, id)
      VALUES (TG_TABLE_NAME, lower(TG_OP), NEW.id);
  END IF;
  PERFORM pg_notify({channel}, '');
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION {log}.log_truncate() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO {log}.change_log (entity, operation) VALUES (TG_TABLE_NAME, 'truncate');
  PERFORM pg_notify({channel}, '');
  RETURN NULL;
END $$;
)sql";

// ENABLE ALWAYS: rows that logical replication applies are changes like any other.
const char* const kChangeLogTriggers = R"sql(
DROP TRIGGER IF EXISTS sallyport_log_row ON {table};
CREATE TRIGGER sallyport_log_row AFTER INSERT OR UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION {log}.log_row();
DROP TRIGGER IF EXISTS sallyport_log_truncate ON {table};
CREATE TRIGGER sallyport_log_truncate AFTER TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION {log}.log_truncate();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER sallyport_log_row;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER sallyport_log_truncate;
)sql";

namespace {

constexpr std::string_view kTracked[] = {
    "workspaces",
    "services",
    "routes",
    "plugins",
    "consumers",
    "upstreams",
    "targets",
    "certificates",
    "snis",
    "ca_certificates",
    "sm_vaults",
    "key_sets",
    "keys",
    "filter_chains",
    "acls",
    "basicauth_credentials",
    "hmacauth_credentials",
    "jwt_secrets",
    "keyauth_credentials",
    "oauth2_credentials",
};

}  // namespace

std::span<const std::string_view> tracked_tables() {
  return kTracked;
}

}  // namespace sallyport::postgres
