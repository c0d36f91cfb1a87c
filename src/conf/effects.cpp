#include "conf/effects.h"

#include <fmt/format.h>

#include "base/text.h"

namespace sallyport::conf {
namespace {

std::string where(const Place& place) {
  if (place.line > 0) return fmt::format("line {}", place.line);
  return place.file == "environment" ? place.key : place.file;
}

// True when the key asks for something that this version does not do.
bool is_missed(const Settings& settings, const Directive& row) {
  if (row.effect == Effect::active || !settings.is_set(row.key)) return false;
  return row.inert.empty() || settings.is_reference(row.key) ||
         settings.display(row.key) != row.inert;
}

}  // namespace

void warn_of_effects(const Settings& settings, const std::vector<Injected>& injected,
                     Loaded& loaded) {
  std::vector<std::string> missed;
  for (const Directive& row : directives()) {
    if (!loaded.written(row.key) || !is_missed(settings, row)) continue;
    const Place& place = loaded.places[static_cast<size_t>(row.key)];
    missed.push_back(row.why.empty() ? fmt::format("{} ({})", row.name, where(place))
                                     : fmt::format("{} ({}: {})", row.name, where(place), row.why));
  }
  for (const Injected& entry : injected) {
    missed.push_back(fmt::format("{} ({})", entry.name, where(entry.place)));
  }
  if (missed.empty()) return;
  loaded.warnings.push_back(
      {loaded.path, 0, "",
       fmt::format("known, but without effect in this version: {}", text::join(missed, ", "))});
}

}  // namespace sallyport::conf
