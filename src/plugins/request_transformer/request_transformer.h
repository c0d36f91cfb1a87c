// Kong's request-transformer; the behaviour is in docs/plugins.md.
#pragma once

#include "plugin/plugin.h"

namespace sallyport::plugins::request_transformer {

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance);

}  // namespace sallyport::plugins::request_transformer
