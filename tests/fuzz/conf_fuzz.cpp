// fuzz: conf base
// Anything as kong.conf and as environment: no crash, every fault printable and inside the file, no
// secret in what is shown. Input: the file; after a line `---`, NAME=VALUE lines of an environment.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/text.h"
#include "conf/display.h"
#include "conf/loader.h"

namespace {

using sallyport::conf::Fault;
using sallyport::conf::Key;

constexpr std::string_view kSeparator = "\n---\n";

std::map<std::string, std::string> environment_of(std::string_view lines) {
  std::map<std::string, std::string> out;
  for (std::string_view line : sallyport::text::split(lines, '\n')) {
    size_t equals = line.find('=');
    if (equals != std::string_view::npos && line.find('\0') == std::string_view::npos) {
      out.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
  }
  return out;
}

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const Fault& fault, int lines) {
  require(fault.line >= 0 && fault.line <= lines);
  require(!fault.message.empty());
  require(sallyport::text::valid_utf8(fault.message));
  require(fault.message.find_first_of("\n\r\x1b") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  size_t end = input.find(kSeparator);
  std::string_view rest =
      end == std::string_view::npos ? "" : input.substr(end + kSeparator.size());
  auto environment = environment_of(rest);

  sallyport::conf::Sources sources;
  sources.path = "kong.conf";
  sources.content = std::string(input.substr(0, end));
  sources.environment = [&](const char* name) -> const char* {
    auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  };
  for (const auto& entry : environment) sources.environment_names.push_back(entry.first);

  auto loaded = sallyport::conf::load(sources);
  auto lines = 1 + static_cast<int>(std::ranges::count(*sources.content, '\n'));
  for (const Fault& fault : loaded.faults) check(fault, lines);
  for (const Fault& warning : loaded.warnings) check(warning, lines);

  std::string shown = sallyport::to_text(sallyport::conf::to_json(loaded.settings));
  const std::string& password = loaded.settings.secret(Key::pg_password).reveal();
  // Long enough not to stand somewhere by chance.
  if (password.size() > 12 && sallyport::text::valid_utf8(password) &&
      std::string_view(*sources.content).find(password) == sources.content->rfind(password)) {
    require(shown.find(password) == std::string::npos);
  }
  return 0;
}
