// The plugins of the setting `plugins`: told to the model, named when their behaviour is not built.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "conf/settings.h"

namespace sallyport::app {

// "bundled" stands for all that come with the gateway, "off" for none. Errors: "app.plugins" for a
// name that nobody knows.
Result<std::vector<std::string>> enabled_plugins(const conf::Settings& settings);

}  // namespace sallyport::app
