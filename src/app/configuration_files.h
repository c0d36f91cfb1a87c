// Looks into the files that a configuration names, as the gateway would at its start, and at
// nothing else: certificates, keys, revocation lists, authorities. Reads only; any thread.
#pragma once

#include <vector>

#include "conf/loader.h"

namespace sallyport::app {

// What is wrong with them, all of it, each fault at the line of its setting. `loaded` has no faults
// of its own. Files that nothing would use, such as those of a link without TLS, are left alone.
std::vector<conf::Fault> file_faults(const conf::Loaded& loaded);

}  // namespace sallyport::app
