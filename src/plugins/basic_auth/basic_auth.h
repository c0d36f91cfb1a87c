// Kong's basic-auth; the behaviour is in docs/plugins.md.
#pragma once

#include "plugin/plugin.h"

namespace sallyport::plugins::basic_auth {

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance);

}  // namespace sallyport::plugins::basic_auth
