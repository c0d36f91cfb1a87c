// Every plugin that this gateway has: the one table, in all.cpp.
#pragma once

#include "plugin/plugin.h"

namespace sallyport::plugins {

plugin::Definitions all();

}  // namespace sallyport::plugins
