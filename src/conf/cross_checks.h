// What is wrong, or doubtful, about two settings together. Pure; any thread.
#pragma once

#include "conf/loader.h"

namespace sallyport::conf {

// Adds to loaded.faults what nobody can have meant, to loaded.warnings what has a hole.
void check_pairs(const Settings& settings, Loaded& loaded);

}  // namespace sallyport::conf
