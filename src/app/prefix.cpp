#include "app/prefix.h"

#include <string>

#include "base/file.h"

namespace sallyport::app {

using conf::Key;

Result<void> prepare_prefix(const conf::Settings& settings) {
  for (const char* part : {"", "/logs", "/pids"}) {
    std::string directory = settings.string(Key::prefix) + part;
    if (auto made = make_directories(directory); !made) {
      Error error = made.error();
      error.remedy = "choose a writable prefix with -p or `prefix`";
      return fail(std::move(error));
    }
  }
  return {};
}

}  // namespace sallyport::app
