// The statements that a transaction has prepared. Parsing and planning costs the server more than
// carrying a small statement out, so one that comes back is prepared. All are forgotten when the
// transaction ends, and no two sessions share a name: a pooler (PgBouncer, pool_mode=transaction)
// lends the server's session only until then, and lends it to others next. Of one Session.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace sallyport::postgres {

class PreparedStatements {
 public:
  enum class Use { plain, prepare, prepared };

  // What to do with `sql` now: send it as it is, prepare it under its name, or use what is
  // prepared.
  Use next_use(const std::string& sql);

  // Unique to this session. Of a statement whose next_use() was not `plain`.
  const std::string& name(const std::string& sql) const { return seen_.at(sql).name; }

  void mark_prepared(const std::string& sql);

  // The script that forgets them in the server, empty when there are none; here they are forgotten.
  std::string forget();

 private:
  struct Statement {
    std::string name;
    bool prepared = false;
  };
  std::map<std::string, Statement> seen_;
  std::string prefix_;  // made when first needed
};

}  // namespace sallyport::postgres
