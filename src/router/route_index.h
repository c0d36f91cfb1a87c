// The router's search structure. All rules stand in one order (rank 0 first), so the answer is the
// lowest rank that matches. A rule is found through its host and the literal beginning of its path:
//
//   host -> Bucket (exact, "*.x", "x.*", or bucket 0 for rules without host)
//   bucket + each prefix length in use there -> Group, by hash -> Postings by rank
//
// so that a request looks at a few dozen slots, whatever the number of routes. Groups that many
// rules share (all behind "/" told apart by a header, say) are split once more by a header value or
// the SNI. Immutable once built; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "router/conditions.h"
#include "router/hash_index.h"
#include "router/pattern.h"

namespace sallyport::router {

inline constexpr uint32_t kNoRank = UINT32_MAX;
inline constexpr uint32_t kNoConditions = UINT32_MAX;

// What is left of a rule once it is in its place.
struct RankedRule {
  uint32_t route = 0;
  uint32_t prefix_size = 0;
  uint32_t conditions = kNoConditions;
  bool https_only = false;
  std::shared_ptr<const Pattern> pattern;
};

// One rule under one host. Enough to pass over most without touching the rule.
struct Posting {
  enum Flag : uint8_t { kHeaders = 4, kSnis = 8, kOtherMethods = 16, kPattern = 32 };
  uint32_t rank = kNoRank;
  uint16_t methods = 0;
  uint16_t port = 0;
  uint8_t flags = 0;  // kOverHttp, kOverHttps (rule.h) and Flag
};

struct List {
  uint32_t begin = 0;
  uint32_t count = 0;
};

struct Text {
  uint32_t begin = 0;
  uint32_t size = 0;
};

struct Group {
  uint32_t bucket = 0;
  Text prefix{};
  uint32_t best = kNoRank;
  List postings{};  // those that no split holds
  List splits{};
};

// The rules of a group that demand one of some values of a header, or of the SNI.
struct Split {
  static constexpr uint32_t kSni = UINT32_MAX;
  uint32_t name = kSni;  // of header_names
  uint32_t best = kNoRank;
  List all{};  // for the SNI: every posting, for plain http does not look at it
};

struct ValueList {
  uint32_t split = 0;
  Text value{};
  List postings{};
};

struct Bucket {
  uint32_t best = kNoRank;
  List sizes{};  // of the prefixes in use, rising
};

struct RouteIndex {
  std::vector<RankedRule> rules;  // by rank
  std::vector<Conditions> conditions;
  std::string text;  // all keys
  std::vector<Bucket> buckets;
  std::vector<Text> bucket_names;
  std::vector<uint32_t> sizes;
  std::vector<Group> groups;
  std::vector<Posting> postings;
  std::vector<Split> splits;
  std::vector<ValueList> value_lists;
  std::vector<std::string> header_names;
  HashIndex exact_hosts;
  HashIndex suffix_hosts;
  HashIndex prefix_hosts;
  HashIndex groups_by_prefix;
  HashIndex lists_by_value;
  bool has_suffix_hosts = false;
  bool has_prefix_hosts = false;

  std::string_view at(Text t) const { return std::string_view(text).substr(t.begin, t.size); }
};

}  // namespace sallyport::router
