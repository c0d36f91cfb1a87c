// The pieces that Kong 3.10's schema is made of, one for each subsystem of its schema_meta: the SQL
// that makes its tables as they are after the last migration, and the names of the migrations that
// such a database counts as executed. Constants.
#pragma once

#include <span>
#include <string_view>

namespace sallyport::postgres {

extern const char* const kFunctions;
extern const char* const kClusterTables;
extern const char* const kCoreTables;
extern const char* const kAclTables;
extern const char* const kBasicAuthTables;
extern const char* const kHmacAuthTables;
extern const char* const kJwtTables;
extern const char* const kKeyAuthTables;
extern const char* const kOauth2Tables;
extern const char* const kAcmeTables;
extern const char* const kRateLimitingTables;
extern const char* const kResponseRateLimitingTables;
extern const char* const kSessionTables;

// What leads from Kong 3.9's schema to 3.10's; safe to run on either.
struct Step {
  std::string_view name;
  const char* sql;
};

struct SchemaPart {
  std::string_view subsystem;
  std::span<const std::string_view> executed;  // oldest first
  std::span<const char* const> sql;            // empty: its migrations only rewrote rows
  std::span<const Step> steps;                 // the only ones that can be run one by one
};

// In the order in which they are made: a part may refer to those before it.
std::span<const SchemaPart> schema_parts();

// Every table of all parts, and those that Kong 3.9 had besides: what `reset` drops.
std::span<const std::string_view> all_tables();

}  // namespace sallyport::postgres
