// The router's search structure. All rules stand in one order (rank 0 first), so the answer is the
// lowest rank that matches. A rule is found through its host and the literal beginning of its path:
//
//   host -> Bucket (exact, "*.x", "x.*", or bucket 0 for rules without host)
//   bucket + each prefix size in use there -> Group, by hash -> Postings by rank
//
// so that a request looks at a few dozen bits and a handful of cache lines, whatever the number of
// routes. Groups that many rules share (all behind "/" and told apart by a header, say) are split
// once more, by a header value or the SNI. Immutable once built; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "router/conditions.h"
#include "router/expression_program.h"
#include "router/hash_index.h"
#include "router/id_order.h"
#include "router/large_pages.h"
#include "router/pattern.h"

namespace sallyport::router {

inline constexpr uint32_t kNoRank = UINT32_MAX;
inline constexpr uint32_t kNoIndex = UINT32_MAX;

// Longer names and header values of requests are not looked up in lower case.
inline constexpr size_t kLongestLookup = 255;

// One rule under one host; enough to judge most rules.
struct Posting {
  // Besides kOverHttp and kOverHttps of rule.h.
  enum Flag : uint8_t {
    kHeaders = 4,
    kSnis = 8,
    kOtherMethods = 16,
    kPattern = 32,
    kHttpsOnly = 64,
    kExpression = 128,
  };
  uint32_t rank = kNoRank;
  uint32_t route = 0;
  uint16_t methods = 0;
  uint16_t port = 0;
  uint8_t flags = 0;
};

// The rest, for rules with conditions, a pattern or an expression. By rank.
struct RuleDetails {
  uint32_t conditions = kNoIndex;
  std::shared_ptr<const ExpressionProgram> expression;
  std::shared_ptr<const Pattern> pattern;
};

struct List {
  uint32_t begin = 0;
  uint32_t count = 0;
};

// A text that is compared on lookups: the beginning here, all of it in RouteIndex::text.
struct Key {
  static constexpr size_t kHead = 20;
  uint32_t size = 0;
  uint32_t begin = 0;
  std::array<char, kHead> head{};

  bool is(std::string_view wanted, const std::string& text) const {
    if (wanted.size() != size) return false;
    if (std::memcmp(head.data(), wanted.data(), std::min<size_t>(size, kHead)) != 0) return false;
    return size <= kHead ||
           std::memcmp(text.data() + begin + kHead, wanted.data() + kHead, size - kHead) == 0;
  }
};

struct alignas(64) Group {
  Key prefix;
  uint32_t bucket = 0;
  uint32_t best = kNoRank;     // of all its postings, those in splits too
  Posting first{};             // the best of those that no split holds
  List rest{};                 // the others of them
  uint32_t splits = kNoIndex;  // index of a List in RouteIndex::split_lists
};

// The prefixes of one size in a bucket.
struct PrefixSize {
  uint32_t size = 0;
  uint32_t best = kNoRank;
};

struct alignas(64) Bucket {
  static constexpr size_t kInline = 3;
  Key name;
  uint32_t best = kNoRank;
  List sizes{};                                    // in RouteIndex::sizes, falling
  std::array<PrefixSize, kInline> inline_sizes{};  // the first of them
};

// The rules of a group that demand one of some values of a header, or of the SNI.
struct Split {
  static constexpr uint32_t kSni = UINT32_MAX;
  uint32_t name = kSni;  // of RouteIndex::header_names
  uint32_t best = kNoRank;
  List all{};  // for the SNI: every posting, for plain http does not look at it
};

struct ValueList {
  uint32_t split = 0;
  Key value{};
  List postings{};
};

// A rank in terms that hold in every index.
struct RankKey {
  uint64_t priority = 0;
  int64_t created_at = 0;
  IdOrder id;
  uint32_t path_order = 0;
};

struct RouteIndex {
  Table<RankKey> keys;         // by rank
  Table<RuleDetails> details;  // empty when no rule needs any
  std::vector<Conditions> conditions;
  std::string text;  // all keys
  Table<Bucket> buckets;
  Table<PrefixSize> sizes;
  Table<Group> groups;
  Table<Posting> postings;
  std::vector<List> split_lists;
  std::vector<Split> splits;
  std::vector<ValueList> value_lists;
  std::vector<std::string> header_names;
  HashIndex exact_hosts;
  HashIndex suffix_hosts;
  HashIndex prefix_hosts;
  HashIndex groups_by_prefix;
  HashIndex lists_by_value;
  uint32_t longest_prefix = 0;
  bool has_suffix_hosts = false;
  bool has_prefix_hosts = false;
  bool asks_endpoints = false;
};

}  // namespace sallyport::router
