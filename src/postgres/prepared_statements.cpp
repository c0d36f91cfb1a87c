#include "postgres/prepared_statements.h"

#include <fmt/format.h>

#include "base/uuid.h"

namespace sallyport::postgres {
namespace {

constexpr size_t kMost = 256;  // the entities' own statements are fewer; lists by filter are many

}  // namespace

PreparedStatements::Use PreparedStatements::next_use(const std::string& sql) {
  auto found = seen_.find(sql);
  if (found != seen_.end()) return found->second.prepared ? Use::prepared : Use::prepare;
  if (prefix_.empty()) prefix_ = "sallyport-" + new_uuid();
  if (seen_.size() < kMost) seen_[sql].name = fmt::format("{}-{}", prefix_, seen_.size());
  return Use::plain;
}

void PreparedStatements::mark_prepared(const std::string& sql) {
  seen_.at(sql).prepared = true;
}

std::string PreparedStatements::forget() {
  std::string script;
  for (const auto& [sql, statement] : seen_) {
    if (statement.prepared) script += fmt::format("DEALLOCATE \"{}\"; ", statement.name);
  }
  seen_.clear();
  return script;
}

}  // namespace sallyport::postgres
