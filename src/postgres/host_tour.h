// The tour of pg_host: every host in turn, every address of each, within one deadline. libpq has a
// list of its own, but stops at the first TLS or authentication failure.
#pragma once

#include <functional>

#include "base/clock.h"
#include "base/error.h"
#include "postgres/libpq_parameters.h"
#include "postgres/link_settings.h"
#include "postgres/link_state.h"

namespace sallyport::postgres {

// True ends the tour; false (usable, but a better one is wished for) and errors lead on. `until` is
// the time that this one may take: an equal share of what is left, so that a silent host leaves
// time for the next. `last` says that nothing comes after it.
using TryTarget = std::function<Result<bool>(const LinkTarget&, TimePoint until, bool last)>;

// The error that tells most when none was good, with all the others named. What failed is added to
// `state.failed`; the state is otherwise made new for each attempt.
Result<void> tour_hosts(const LinkSettings& settings, TimePoint deadline, const TryTarget& attempt,
                        LinkState& state);

}  // namespace sallyport::postgres
