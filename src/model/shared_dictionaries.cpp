#include "model/shared_dictionaries.h"

#include <set>
#include <string>

#include "base/text.h"

namespace sallyport::model {
namespace {

std::set<std::string, std::less<>>& names() {
  static std::set<std::string, std::less<>> known = {
      "kong",
      "kong_cluster_events",
      "kong_core_db_cache",
      "kong_core_db_cache_miss",
      "kong_db_cache",
      "kong_db_cache_miss",
      "kong_healthchecks",
      "kong_locks",
      "kong_rate_limiting_counters",
      "kong_secrets",
      "prometheus_metrics",
  };
  return known;
}

}  // namespace

bool is_shared_dictionary(std::string_view name) {
  return names().contains(name);
}

void know_shared_dictionaries(std::string_view directive) {
  constexpr std::string_view kWord = "lua_shared_dict ";
  for (std::string_view part : text::split(directive, ';')) {
    part = text::trim(part);
    if (part.starts_with(kWord)) part = text::trim(part.substr(kWord.size()));
    part = part.substr(0, part.find_first_of(" \t"));
    if (!part.empty()) names().emplace(part);
  }
}

}  // namespace sallyport::model
