// Kong's request-size-limiting; the behaviour is in docs/plugins.md.
#pragma once

#include "plugin/plugin.h"

namespace sallyport::plugins::request_size_limiting {

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance);

}  // namespace sallyport::plugins::request_size_limiting
