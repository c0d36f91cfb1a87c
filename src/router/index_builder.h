// Turns the rules of all routes into a RouteIndex. On the control thread, once per snapshot.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "router/route_index.h"
#include "router/rule.h"

namespace sallyport::router {

class IndexBuilder {
 public:
  // Takes the routes' rules; those with protocols == 0 are passed over.
  static RouteIndex build(std::vector<RouteRules> routes);

 private:
  struct Entry {  // a rule, with the route it comes from, to be ranked
    const Rule* rule;
    const RouteRules* route;
    uint32_t conditions;
  };
  static bool needs_details(const Entry& entry) {
    return entry.conditions != kNoIndex || entry.rule->pattern != nullptr ||
           entry.route->expression != nullptr;
  }
  struct Placed {  // a posting, with the group it goes to
    uint32_t group = 0;
    Posting posting{};
  };

  void rank(std::vector<RouteRules>& routes);
  void place_all();
  void place(const Entry& entry, uint32_t rank);
  uint32_t bucket_of(const NamePattern& host);
  uint32_t group_of(uint32_t bucket, std::string_view prefix);
  void collect_sizes();
  void fill_groups();
  void split_group(uint32_t group, std::span<const Posting> postings);
  uint32_t header_name(std::string_view name);
  Key keep(std::string_view text);
  List keep(std::span<const Posting> postings);
  void keep_in_group(uint32_t group, std::span<const Posting> postings);

  RouteIndex out_;
  std::vector<Entry> entries_;  // by rank
  std::vector<Placed> placed_;  // ranks rise
  std::unordered_map<std::string, uint32_t> header_names_;
};

}  // namespace sallyport::router
