// Kong's correlation-id; the behaviour is in docs/plugins.md.
#pragma once

#include "plugin/plugin.h"

namespace sallyport::plugins::correlation_id {

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance);

}  // namespace sallyport::plugins::correlation_id
