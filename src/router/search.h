// One match in progress: walks the RouteIndex and keeps the lowest rank that fits. Lives on the
// stack of Router::match().
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>

#include "router/prefix_hash.h"
#include "router/route_index.h"
#include "router/router.h"

namespace sallyport::router {

class Search {
 public:
  // `positions` is null, or says of each route whether it is still there (RouteDiff::positions).
  Search(const RouteIndex& index, const MatchInput& input, Match& out, const uint32_t* positions);

  bool run();

  // Where what was found stands in the order of all rules, also those of another index: smaller
  // goes first. `position` is the route's in the router's list.
  using Place = std::tuple<uint64_t, int64_t, uint32_t, uint32_t>;
  Place place(uint32_t position) const;

 private:
  // Longer names are no host names (RFC 1035) and match nothing but rules without host.
  using NameBuffer = std::array<char, kLongestLookup>;

  void visit_host();
  void visit_wildcards();
  void visit_named(const HashIndex& table, std::string_view name);
  void visit(uint32_t bucket);
  void visit_prefix(uint32_t bucket, uint32_t size);
  void visit(const Group& group);
  void visit(uint32_t split_index, const Split& split);
  void visit_value(uint32_t split_index, std::string_view lower_value);
  void scan(List list);
  void consider(const Posting& posting);
  bool fits(const Posting& posting);
  bool details_fit(const Posting& posting, bool method_fits);

  const RouteIndex& index_;
  const MatchInput& input_;
  Match& out_;
  const uint32_t* positions_;
  NameBuffer host_buffer_;
  NameBuffer sni_buffer_;
  std::string_view host_;
  std::string_view sni_;
  PrefixHasher path_;
  uint32_t best_ = kNoRank;
  uint32_t prefix_size_ = 0;  // of the group that is being looked at
  uint16_t method_;
  uint8_t protocol_;
};

}  // namespace sallyport::router
