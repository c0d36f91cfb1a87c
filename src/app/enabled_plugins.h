// What kong.conf says of plugins: those of the setting `plugins`, and the shared dictionaries that
// their configurations may name. Both are told to the model.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "conf/settings.h"

namespace sallyport::app {

// "bundled" stands for all that come with the gateway, "off" for none. Errors: "app.plugins" for a
// name that nobody knows.
Result<std::vector<std::string>> enabled_plugins(const conf::Settings& settings);

// Those of nginx_http_lua_shared_dict. Before other threads start.
void know_shared_dictionaries(const conf::Settings& settings);

}  // namespace sallyport::app
