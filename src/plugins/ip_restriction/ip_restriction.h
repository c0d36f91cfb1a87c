// Kong's ip-restriction; the behaviour is in docs/plugins.md.
#pragma once

#include "plugin/plugin.h"

namespace sallyport::plugins::ip_restriction {

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance);

}  // namespace sallyport::plugins::ip_restriction
