#include "model/schemas.h"

#include <algorithm>
#include <array>

namespace sallyport::model {

std::span<const EntitySchema* const> entities() {
  static const std::array all = {&workspaces(), &consumers(), &services(), &routes(),
                                 &upstreams(),  &targets(),   &plugins()};
  return all;
}

const EntitySchema* find_entity(std::string_view name) {
  auto all = entities();
  auto found = std::ranges::find(all, name, [](const EntitySchema* s) { return s->name; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace sallyport::model
