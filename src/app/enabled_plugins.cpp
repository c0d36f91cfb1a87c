#include "app/enabled_plugins.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/plugin_declarations.h"
#include "model/shared_dictionaries.h"

namespace sallyport::app {

Result<std::vector<std::string>> enabled_plugins(const conf::Settings& settings) {
  std::vector<std::string> names;
  auto add = [&](const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (const std::string& word : settings.list(conf::Key::plugins)) {
    if (word == "off") continue;
    if (word == "bundled") {
      for (const model::PluginDeclaration& plugin : model::plugin_declarations()) add(plugin.name);
      continue;
    }
    if (model::find_plugin(word) == nullptr) {
      return fail("app.plugins", Side::config,
                  fmt::format("plugins: there is no plugin '{}'", word),
                  "Leave it out, or use its own gateway: plugins written in Lua do not run here");
    }
    add(word);
  }
  return names;
}

void know_shared_dictionaries(const conf::Settings& settings) {
  for (const auto& [name, value] : settings.injected_nginx()) {
    if (name == "nginx_http_lua_shared_dict") model::know_shared_dictionaries(value);
  }
}

}  // namespace sallyport::app
