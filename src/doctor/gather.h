// Gathers everything that can be learned about one link, step by step, stopping at nothing: reads
// the files, resolves the names, looks at every address, opens the session as the gateway does and
// asks it. Blocks for at most about 20 s, however silent the servers are. Main thread; starts and
// ends threads of its own.
#pragma once

#include "conf/loader.h"
#include "doctor/evidence.h"
#include "postgres/link_settings.h"

namespace sallyport::doctor {

Evidence gather(const conf::Loaded& configuration, postgres::LinkRole role);

}  // namespace sallyport::doctor
