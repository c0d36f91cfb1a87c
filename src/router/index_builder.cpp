#include "router/index_builder.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "router/prefix_hash.h"

namespace sallyport::router {
namespace {

// Below this a group is scanned faster than it is looked up.
constexpr size_t kSplitAbove = 16;

// Whether a request's value may be looked up instead of compared.
bool is_looked_up(const HeaderCondition& condition) {
  return condition.patterns.empty() &&
         std::ranges::all_of(condition.values, [](const std::string& value) {
           return value.size() <= kLongestLookup;
         });
}

}  // namespace

RouteIndex IndexBuilder::build(std::vector<RouteRules> routes) {
  IndexBuilder builder;
  builder.rank(routes);
  builder.place_all();
  builder.collect_sizes();
  builder.fill_groups();
  return std::move(builder.out_);
}

void IndexBuilder::rank(std::vector<RouteRules>& routes) {
  entries_.reserve(routes.size());
  for (RouteRules& route : routes) {
    if (route.protocols == 0) continue;
    out_.asks_endpoints |= route.expression != nullptr && route.expression->asks_endpoints();
    uint32_t conditions = kNoIndex;
    if (!route.conditions.empty()) {
      conditions = static_cast<uint32_t>(out_.conditions.size());
      out_.conditions.push_back(std::move(route.conditions));
    }
    for (const Rule& rule : route.rules) entries_.push_back({&rule, &route, conditions});
  }
  std::ranges::sort(entries_,
                    [](const Entry& a, const Entry& b) { return goes_before(*a.rule, *b.rule); });
  out_.keys.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    out_.keys.push_back({.priority = entry.rule->priority,
                         .created_at = entry.rule->created_at,
                         .id = entry.rule->id,
                         .path_order = entry.rule->path_order});
  }
  if (std::ranges::any_of(entries_, needs_details)) out_.details.resize(entries_.size());
  for (size_t rank = 0; rank < out_.details.size(); ++rank) {
    out_.details[rank] = {.conditions = entries_[rank].conditions,
                          .expression = entries_[rank].route->expression,
                          .pattern = entries_[rank].rule->pattern};
  }
}

void IndexBuilder::place_all() {
  size_t count = 0;
  for (const Entry& entry : entries_) count += std::max<size_t>(1, entry.route->hosts.size());
  out_.exact_hosts.reserve(count);
  out_.suffix_hosts.reserve(count);
  out_.prefix_hosts.reserve(count);
  out_.groups_by_prefix.reserve(count);
  out_.groups.reserve(count);
  placed_.reserve(count);
  out_.buckets.emplace_back();  // for rules without host
  for (uint32_t rank = 0; rank < entries_.size(); ++rank) place(entries_[rank], rank);
}

void IndexBuilder::place(const Entry& entry, uint32_t rank) {
  Posting posting{.rank = rank,
                  .route = entry.rule->route,
                  .methods = entry.route->methods,
                  .flags = entry.route->protocols};
  if (entry.route->https_only) posting.flags |= Posting::kHttpsOnly;
  if (entry.conditions != kNoIndex) {
    const Conditions& conditions = out_.conditions[entry.conditions];
    if (!conditions.headers.empty()) posting.flags |= Posting::kHeaders;
    if (!conditions.snis.empty()) posting.flags |= Posting::kSnis;
    if (!conditions.other_methods.empty()) posting.flags |= Posting::kOtherMethods;
  }
  if (entry.rule->pattern != nullptr) posting.flags |= Posting::kPattern;
  if (entry.route->expression != nullptr) posting.flags |= Posting::kExpression;
  auto put = [&](uint32_t bucket) {
    uint32_t group = group_of(bucket, entry.rule->prefix);
    out_.groups[group].best = std::min(out_.groups[group].best, rank);
    out_.buckets[bucket].best = std::min(out_.buckets[bucket].best, rank);
    placed_.push_back({group, posting});
  };
  if (entry.route->hosts.empty()) put(0);
  for (const HostPattern& host : entry.route->hosts) {
    posting.port = host.port;
    put(bucket_of(host.name));
  }
}

uint32_t IndexBuilder::bucket_of(const NamePattern& host) {
  HashIndex& table = host.kind == NameKind::exact    ? out_.exact_hosts
                     : host.kind == NameKind::suffix ? out_.suffix_hosts
                                                     : out_.prefix_hosts;
  out_.has_suffix_hosts |= host.kind == NameKind::suffix;
  out_.has_prefix_hosts |= host.kind == NameKind::prefix;
  uint64_t hash = PrefixHasher::of(host.text, 0);
  uint32_t bucket =
      table.find(hash, [&](uint32_t b) { return out_.buckets[b].name.is(host.text, out_.text); });
  if (bucket != HashIndex::kNone) return bucket;
  bucket = static_cast<uint32_t>(out_.buckets.size());
  out_.buckets.push_back({.name = keep(host.text)});
  table.insert(hash, bucket);
  return bucket;
}

uint32_t IndexBuilder::group_of(uint32_t bucket, std::string_view prefix) {
  uint64_t hash = PrefixHasher::of(prefix, bucket);
  uint32_t group = out_.groups_by_prefix.find(hash, [&](uint32_t g) {
    return out_.groups[g].bucket == bucket && out_.groups[g].prefix.is(prefix, out_.text);
  });
  if (group != HashIndex::kNone) return group;
  group = static_cast<uint32_t>(out_.groups.size());
  out_.groups.push_back({.prefix = keep(prefix), .bucket = bucket});
  out_.longest_prefix = std::max(out_.longest_prefix, static_cast<uint32_t>(prefix.size()));
  out_.groups_by_prefix.insert(hash, group);
  return group;
}

// For each bucket the sizes of its prefixes, longest first, each with the best rank behind it.
void IndexBuilder::collect_sizes() {
  struct Found {
    uint32_t bucket;
    uint32_t size;
    uint32_t best;
  };
  std::vector<Found> found;
  found.reserve(out_.groups.size());
  for (const Group& group : out_.groups) {
    found.push_back({group.bucket, group.prefix.size, group.best});
  }
  std::ranges::sort(found, [](const Found& a, const Found& b) {
    return std::tuple(a.bucket, b.size, a.best) < std::tuple(b.bucket, a.size, b.best);
  });
  for (size_t i = 0; i < found.size(); ++i) {
    auto [bucket_index, size, best] = found[i];
    if (i > 0 && found[i - 1].bucket == bucket_index && found[i - 1].size == size) continue;
    Bucket& bucket = out_.buckets[bucket_index];
    if (bucket.sizes.count == 0) bucket.sizes.begin = static_cast<uint32_t>(out_.sizes.size());
    if (bucket.sizes.count < Bucket::kInline) {
      bucket.inline_sizes[bucket.sizes.count] = {.size = size, .best = best};
    }
    ++bucket.sizes.count;
    out_.sizes.push_back({.size = size, .best = best});
  }
}

void IndexBuilder::fill_groups() {
  // By group, and by rank within; ranks are in order already, so counting is enough.
  std::vector<uint32_t> next(out_.groups.size() + 1);
  for (const Placed& placed : placed_) ++next[placed.group + 1];
  for (size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
  std::vector<Placed> sorted(placed_.size());
  for (const Placed& placed : placed_) sorted[next[placed.group]++] = placed;
  placed_.swap(sorted);

  out_.postings.reserve(placed_.size());
  std::vector<Posting> postings;
  for (size_t i = 0; i < placed_.size();) {
    uint32_t group = placed_[i].group;
    postings.clear();
    for (; i < placed_.size() && placed_[i].group == group; ++i) {
      postings.push_back(placed_[i].posting);
    }
    if (postings.size() > kSplitAbove) {
      split_group(group, postings);
    } else {
      keep_in_group(group, postings);
    }
  }
  out_.lists_by_value.reserve(out_.value_lists.size());
  for (uint32_t i = 0; i < out_.value_lists.size(); ++i) {
    const ValueList& list = out_.value_lists[i];
    std::string_view value = std::string_view(out_.text).substr(list.value.begin, list.value.size);
    out_.lists_by_value.insert(PrefixHasher::of(value, list.split), i);
  }
}

// A posting goes under every value of its first header that lists values, else under its SNIs when
// all are exact, else it stays with the group.
void IndexBuilder::split_group(uint32_t group, std::span<const Posting> postings) {
  std::vector<Posting> rest;
  std::map<uint32_t, std::map<std::string_view, std::vector<Posting>>> by_name;
  std::vector<Posting> sni_all;
  for (const Posting& posting : postings) {
    const Entry& entry = entries_[posting.rank];
    if (entry.conditions == kNoIndex) {
      rest.push_back(posting);
      continue;
    }
    const Conditions& conditions = out_.conditions[entry.conditions];
    auto header = std::ranges::find_if(conditions.headers, is_looked_up);
    bool exact_snis = !conditions.snis.empty() &&
                      std::ranges::all_of(conditions.snis, [](const NamePattern& sni) {
                        return sni.kind == NameKind::exact;
                      });
    if (header != conditions.headers.end()) {
      auto& lists = by_name[header_name(header->name)];
      for (const std::string& value : header->values) lists[value].push_back(posting);
    } else if (exact_snis) {
      sni_all.push_back(posting);
      for (const NamePattern& sni : conditions.snis)
        by_name[Split::kSni][sni.text].push_back(posting);
    } else {
      rest.push_back(posting);
    }
  }
  keep_in_group(group, rest);
  if (by_name.empty()) return;
  out_.groups[group].splits = static_cast<uint32_t>(out_.split_lists.size());
  out_.split_lists.push_back({.begin = static_cast<uint32_t>(out_.splits.size()),
                              .count = static_cast<uint32_t>(by_name.size())});
  for (const auto& [name, lists] : by_name) {
    auto index = static_cast<uint32_t>(out_.splits.size());
    Split split{.name = name};
    if (name == Split::kSni) split.all = keep(sni_all);
    for (const auto& [value, list] : lists) {
      split.best = std::min(split.best, list.front().rank);
      out_.value_lists.push_back({.split = index, .value = keep(value), .postings = keep(list)});
    }
    out_.splits.push_back(split);
  }
}

uint32_t IndexBuilder::header_name(std::string_view name) {
  auto [place, added] = header_names_.try_emplace(std::string(name), out_.header_names.size());
  if (added) out_.header_names.emplace_back(name);
  return place->second;
}

Key IndexBuilder::keep(std::string_view text) {
  Key key{.size = static_cast<uint32_t>(text.size()),
          .begin = static_cast<uint32_t>(out_.text.size())};
  text.copy(key.head.data(), Key::kHead);
  out_.text += text;
  return key;
}

List IndexBuilder::keep(std::span<const Posting> postings) {
  List kept{.begin = static_cast<uint32_t>(out_.postings.size()),
            .count = static_cast<uint32_t>(postings.size())};
  out_.postings.insert(out_.postings.end(), postings.begin(), postings.end());
  return kept;
}

void IndexBuilder::keep_in_group(uint32_t group, std::span<const Posting> postings) {
  if (postings.empty()) return;
  out_.groups[group].first = postings.front();
  out_.groups[group].rest = keep(postings.subspan(1));
}

}  // namespace sallyport::router
