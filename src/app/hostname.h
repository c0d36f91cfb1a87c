// The name of this machine. Any thread.
#pragma once

#include <string>

namespace sallyport::app {

std::string hostname();  // "localhost" where it has none

}  // namespace sallyport::app
