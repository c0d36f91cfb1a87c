// Says which keys that somebody wrote do nothing in this version. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "conf/loader.h"

namespace sallyport::conf {

// A written key that belongs to a family, such as nginx_http_*.
struct Injected {
  Place place;
  std::string name;
  std::string value;
};

// Adds one warning to `loaded` that names them all.
void warn_of_effects(const Settings& settings, const std::vector<Injected>& injected,
                     Loaded& loaded);

}  // namespace sallyport::conf
