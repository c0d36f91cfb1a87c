// What Rows hides: libpq's result.
#pragma once

#include "postgres/connection.h"
#include "postgres/libpq_handles.h"

namespace sallyport::postgres {

struct Rows::Handle {
  PgResult result;
};

}  // namespace sallyport::postgres
