// The SQL of the change log. `{log}` stands for the quoted name of its schema, `{channel}` for the
// same as a literal, `{table}` for a quoted configuration table. Constants.
#pragma once

#include <span>
#include <string_view>

namespace sallyport::postgres {

extern const char* const kChangeLogTables;
extern const char* const kChangeLogFunctions;  // may be run again: a new version replaces the old
extern const char* const kChangeLogTriggers;   // for one table; replaces triggers of ours

// Tables whose rows make up the configuration; those that a database has not are passed over.
std::span<const std::string_view> tracked_tables();

}  // namespace sallyport::postgres
