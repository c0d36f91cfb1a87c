#include "app/hostname.h"

#include <array>

#include <unistd.h>

namespace sallyport::app {

std::string hostname() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

}  // namespace sallyport::app
