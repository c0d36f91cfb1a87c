// Owning pointers for libpq's objects. For .cpp files of this folder.
#pragma once

#include <memory>

#include <libpq-fe.h>

namespace sallyport::postgres {

struct PgConnFinish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct PgResultClear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PgConn = std::unique_ptr<PGconn, PgConnFinish>;
using PgResult = std::unique_ptr<PGresult, PgResultClear>;

}  // namespace sallyport::postgres
