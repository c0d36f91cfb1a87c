#include "postgres/migrations/schema_parts.h"

#include <array>

namespace sallyport::postgres {
namespace {

using Names = std::string_view;

constexpr Names kCoreNames[] = {
    "000_base",       "003_100_to_110", "004_110_to_120", "005_120_to_130", "006_130_to_140",
    "007_140_to_150", "008_150_to_200", "009_200_to_210", "010_210_to_211", "011_212_to_213",
    "012_213_to_220", "013_220_to_230", "014_230_to_270", "015_270_to_280", "016_280_to_300",
    "017_300_to_310", "018_310_to_320", "019_320_to_330", "020_330_to_340", "021_340_to_350",
    "022_350_to_360", "023_360_to_370", "024_380_to_390", "025_390_to_3100"};
constexpr Names kAclNames[] = {"000_base_acl", "002_130_to_140", "003_200_to_210",
                               "004_212_to_213"};
constexpr Names kAcmeNames[] = {"000_base_acme", "001_280_to_300", "002_320_to_330",
                                "003_350_to_360"};
constexpr Names kAiProxyNames[] = {"001_360_to_370"};
constexpr Names kBasicAuthNames[] = {"000_base_basic_auth", "002_130_to_140", "003_200_to_210"};
constexpr Names kBotDetectionNames[] = {"001_200_to_210"};
constexpr Names kHmacAuthNames[] = {"000_base_hmac_auth", "002_130_to_140", "003_200_to_210"};
constexpr Names kHttpLogNames[] = {"001_280_to_300"};
constexpr Names kIpRestrictionNames[] = {"001_200_to_210"};
constexpr Names kJwtNames[] = {"000_base_jwt", "002_130_to_140", "003_200_to_210"};
constexpr Names kKeyAuthNames[] = {"000_base_key_auth", "002_130_to_140", "003_200_to_210",
                                   "004_320_to_330"};
constexpr Names kOauth2Names[] = {"000_base_oauth2", "003_130_to_140", "004_200_to_210",
                                  "005_210_to_211",  "006_320_to_330", "007_320_to_330"};
constexpr Names kOpentelemetryNames[] = {"001_331_to_332"};
constexpr Names kPostFunctionNames[] = {"001_280_to_300"};
constexpr Names kPreFunctionNames[] = {"001_280_to_300"};
constexpr Names kRateLimitingNames[] = {"000_base_rate_limiting", "003_10_to_112", "004_200_to_210",
                                        "005_320_to_330", "006_350_to_360"};
constexpr Names kResponseRatelimitingNames[] = {"000_base_response_rate_limiting",
                                                "001_350_to_360"};
constexpr Names kSessionNames[] = {"000_base_session", "001_add_ttl_index", "002_320_to_330",
                                   "003_330_to_3100"};

const char* const kCoreSql[] = {kFunctions, kClusterTables, kCoreTables};
const char* const kAclSql[] = {kAclTables};
const char* const kAcmeSql[] = {kAcmeTables};
const char* const kBasicAuthSql[] = {kBasicAuthTables};
const char* const kHmacAuthSql[] = {kHmacAuthTables};
const char* const kJwtSql[] = {kJwtTables};
const char* const kKeyAuthSql[] = {kKeyAuthTables};
const char* const kOauth2Sql[] = {kOauth2Tables};
const char* const kRateLimitingSql[] = {kRateLimitingTables};
const char* const kResponseRatelimitingSql[] = {kResponseRateLimitingTables};
const char* const kSessionSql[] = {kSessionTables};

// Kong 3.10 also drops clustering_sync_delta. It stays: nothing reads it, and dropping is not ours.
constexpr Step kCoreSteps[] = {{"025_390_to_3100", R"sql(
ALTER TABLE clustering_data_planes ADD COLUMN IF NOT EXISTS rpc_capabilities text[];
CREATE TABLE IF NOT EXISTS clustering_sync_version (
  version bigserial,
  CONSTRAINT clustering_sync_version_pkey PRIMARY KEY (version)
);
CREATE TABLE IF NOT EXISTS clustering_rpc_requests (
  id       bigserial,
  node_id  uuid NOT NULL,
  reply_to uuid NOT NULL,
  ttl      timestamptz NOT NULL,
  payload  json NOT NULL,
  CONSTRAINT clustering_rpc_requests_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS clustering_rpc_requests_node_id_idx
  ON clustering_rpc_requests USING btree (node_id);
)sql"}};

constexpr Step kSessionSteps[] = {{"003_330_to_3100", R"sql(
CREATE TABLE IF NOT EXISTS session_metadatas (
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
CREATE INDEX IF NOT EXISTS session_id_idx ON session_metadatas USING btree (session_id);
CREATE INDEX IF NOT EXISTS subject_audience_idx
  ON session_metadatas USING btree (subject, audience);
)sql"}};

const SchemaPart kParts[] = {
    {"core", kCoreNames, kCoreSql, kCoreSteps},
    {"acl", kAclNames, kAclSql, {}},
    {"acme", kAcmeNames, kAcmeSql, {}},
    {"ai-proxy", kAiProxyNames, {}, {}},
    {"basic-auth", kBasicAuthNames, kBasicAuthSql, {}},
    {"bot-detection", kBotDetectionNames, {}, {}},
    {"hmac-auth", kHmacAuthNames, kHmacAuthSql, {}},
    {"http-log", kHttpLogNames, {}, {}},
    {"ip-restriction", kIpRestrictionNames, {}, {}},
    {"jwt", kJwtNames, kJwtSql, {}},
    {"key-auth", kKeyAuthNames, kKeyAuthSql, {}},
    {"oauth2", kOauth2Names, kOauth2Sql, {}},
    {"opentelemetry", kOpentelemetryNames, {}, {}},
    {"post-function", kPostFunctionNames, {}, {}},
    {"pre-function", kPreFunctionNames, {}, {}},
    {"rate-limiting", kRateLimitingNames, kRateLimitingSql, {}},
    {"response-ratelimiting", kResponseRatelimitingNames, kResponseRatelimitingSql, {}},
    {"session", kSessionNames, kSessionSql, kSessionSteps},
};

constexpr std::string_view kTables[] = {"acls",
                                        "acme_storage",
                                        "basicauth_credentials",
                                        "ca_certificates",
                                        "certificates",
                                        "cluster_events",
                                        "clustering_data_planes",
                                        "clustering_rpc_requests",
                                        "clustering_sync_version",
                                        "consumers",
                                        "filter_chains",
                                        "hmacauth_credentials",
                                        "jwt_secrets",
                                        "key_sets",
                                        "keyauth_credentials",
                                        "keys",
                                        "locks",
                                        "oauth2_authorization_codes",
                                        "oauth2_credentials",
                                        "oauth2_tokens",
                                        "parameters",
                                        "plugins",
                                        "ratelimiting_metrics",
                                        "response_ratelimiting_metrics",
                                        "routes",
                                        "schema_meta",
                                        "services",
                                        "session_metadatas",
                                        "sessions",
                                        "sm_vaults",
                                        "snis",
                                        "tags",
                                        "targets",
                                        "upstreams",
                                        "workspaces",
                                        "clustering_sync_delta"};

}  // namespace

std::span<const SchemaPart> schema_parts() {
  return kParts;
}
std::span<const std::string_view> all_tables() {
  return kTables;
}

}  // namespace sallyport::postgres
