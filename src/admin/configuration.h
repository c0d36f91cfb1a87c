// The configuration as `GET /` shows it. Any thread.
#pragma once

#include "base/json_fwd.h"
#include "conf/settings.h"

namespace sallyport::admin {

// Every directive that has a value, by its name and in Kong's types: flags, numbers, lists, texts;
// secrets read "******", references to vaults as they were written. For every X_listen there is
// X_listeners too, taken apart.
Json configuration_json(const conf::Settings& settings);

}  // namespace sallyport::admin
