// A superuser's session over the server's own Unix socket: for the machine that the server runs on,
// where the operating system says who we are (peer authentication). Setting a server up needs it;
// the gateway never does. Main thread of a command; blocking, bounded by ten seconds a statement.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/error.h"

namespace sallyport::postgres {

class LocalSession {
 public:
  // `as` is the operating system user that the server knows as `role`; when we are root the
  // connection is made in its name. Errors: "local.user" (neither root nor that user),
  // "local.connect".
  static Result<LocalSession> open(const std::string& socket_directory, int port, uid_t as,
                                   const std::string& role, const std::string& database);

  LocalSession(LocalSession&&) noexcept;
  LocalSession& operator=(LocalSession&&) noexcept;
  ~LocalSession();

  using Row = std::vector<std::string>;  // NULL reads ""
  // One statement. Error "local.statement" carries the server's words.
  Result<std::vector<Row>> query(const std::string& sql,
                                 const std::vector<std::string>& values = {});

 private:
  struct Handle;
  explicit LocalSession(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace sallyport::postgres
