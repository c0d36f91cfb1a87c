// One match in progress: walks the RouteIndex and keeps the lowest rank that fits. Lives on the
// stack of Router::match().
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "router/prefix_hash.h"
#include "router/route_index.h"
#include "router/router.h"

namespace sallyport::router {

class Search {
 public:
  // `gone` is null, or says by slot which routes to pass over. All arguments outlive the search.
  Search(const RouteIndex& index, const MatchInput& input, Match& out,
         const std::vector<bool>* gone);

  bool run();

  // Where what was found stands in the order of all rules, also those of another index: smaller
  // goes first.
  using Place = std::tuple<uint64_t, int64_t, IdOrder, uint32_t, uint32_t>;
  Place place() const;

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
  const std::vector<bool>* gone_;
  uint64_t gave_up_;  // matches that had ended undecided before
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
