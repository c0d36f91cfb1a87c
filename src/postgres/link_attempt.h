// One attempt to reach one address: TCP, SSLRequest, TLS, authentication, each step watched. Blocks
// until the target's deadline at most. Any thread.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "postgres/libpq_handles.h"
#include "postgres/libpq_parameters.h"
#include "postgres/link_files.h"
#include "postgres/link_settings.h"
#include "postgres/link_state.h"
#include "postgres/tls_check.h"

namespace sallyport::postgres {

// An authenticated session. `check` outlives `connection`: OpenSSL holds its address.
struct Reached {
  std::unique_ptr<TlsCheck> check;
  PgConn connection;
};

// Applies the settings' rules for servers without TLS. `state` keeps what was learned, also after a
// failure.
Result<Reached> reach(const LinkSettings& settings, const LinkFiles& files,
                      const LinkTarget& target, TimePoint deadline, LinkState& state);

}  // namespace sallyport::postgres
