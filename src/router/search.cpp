#include "router/search.h"

#include <span>

#include "http/character.h"
#include "http/headers.h"
#include "router/prefix_hash.h"
#include "router/rule.h"

namespace sallyport::router {
namespace {

// `text` in lower case, in `buffer`; "" when it does not fit.
std::string_view lowered(std::string_view text, std::span<char> buffer) {
  if (text.size() > buffer.size()) return {};
  for (size_t i = 0; i < text.size(); ++i) buffer[i] = http::lower_case(text[i]);
  return {buffer.data(), text.size()};
}

}  // namespace

Search::Search(const RouteIndex& index, const MatchInput& input, Match& out)
    : index_(index),
      input_(input),
      out_(out),
      host_(lowered(input.host, host_buffer_)),
      sni_(lowered(input.sni, sni_buffer_)),
      method_(static_cast<uint16_t>(1U << static_cast<unsigned>(http::method_of(input.method)))),
      protocol_(input.protocol == model::Protocol::https ? kOverHttps : kOverHttp) {}

bool Search::run() {
  if (!host_.empty()) visit_host();
  visit(0);
  if (best_ == kNoRank) return false;
  finish();
  return true;
}

void Search::visit_host() {
  visit_named(index_.exact_hosts, host_);
  if (index_.has_suffix_hosts || index_.has_prefix_hosts) visit_wildcards();
}

// At each dot: what stands before it and the dot ("a." for "a.*"), the dot and what stands behind
// it.
void Search::visit_wildcards() {
  for (size_t dot = host_.find('.'); dot != std::string_view::npos;
       dot = host_.find('.', dot + 1)) {
    if (index_.has_suffix_hosts && dot > 0) visit_named(index_.suffix_hosts, host_.substr(dot));
    if (index_.has_prefix_hosts && dot + 1 < host_.size()) {
      visit_named(index_.prefix_hosts, host_.substr(0, dot + 1));
    }
  }
}

void Search::visit_named(const HashIndex& table, std::string_view name) {
  uint32_t bucket = table.find(PrefixHasher::of(name, 0), [&](uint32_t b) {
    return index_.at(index_.bucket_names[b]) == name;
  });
  if (bucket != HashIndex::kNone) visit(bucket);
}

void Search::visit(uint32_t bucket_index) {
  const Bucket& bucket = index_.buckets[bucket_index];
  if (bucket.best >= best_) return;
  PrefixHasher hasher(input_.path);
  const uint32_t* sizes = index_.sizes.data() + bucket.sizes.begin;
  for (uint32_t i = 0; i < bucket.sizes.count && sizes[i] <= input_.path.size(); ++i) {
    std::string_view prefix = input_.path.substr(0, sizes[i]);
    uint32_t group =
        index_.groups_by_prefix.find(hasher.at(sizes[i], bucket_index), [&](uint32_t g) {
          const Group& candidate = index_.groups[g];
          return candidate.bucket == bucket_index && index_.at(candidate.prefix) == prefix;
        });
    if (group != HashIndex::kNone) visit(index_.groups[group]);
  }
}

void Search::visit(const Group& group) {
  if (group.best >= best_) return;
  scan(group.postings);
  for (uint32_t i = 0; i < group.splits.count; ++i) {
    uint32_t split = group.splits.begin + i;
    visit(split, index_.splits[split]);
  }
}

void Search::visit(uint32_t split_index, const Split& split) {
  if (split.best >= best_) return;
  if (split.name == Split::kSni) {
    if (protocol_ == kOverHttp) {
      scan(split.all);
    } else {
      visit_value(split_index, sni_);
    }
    return;
  }
  const std::string& name = index_.header_names[split.name];
  NameBuffer buffer;
  for (const http::Header& field : input_.headers) {
    if (!same_header_name(field.name, name)) continue;
    if (field.value.size() > buffer.size()) continue;
    visit_value(split_index, lowered(field.value, buffer));
  }
}

void Search::visit_value(uint32_t split_index, std::string_view lower_value) {
  uint32_t list =
      index_.lists_by_value.find(PrefixHasher::of(lower_value, split_index), [&](uint32_t l) {
        const ValueList& candidate = index_.value_lists[l];
        return candidate.split == split_index && index_.at(candidate.value) == lower_value;
      });
  if (list != HashIndex::kNone) scan(index_.value_lists[list].postings);
}

void Search::scan(List list) {
  const Posting* postings = index_.postings.data() + list.begin;
  for (uint32_t i = 0; i < list.count && postings[i].rank < best_; ++i) {
    if (fits(postings[i])) best_ = postings[i].rank;
  }
}

bool Search::fits(const Posting& posting) {
  if ((posting.flags & protocol_) == 0) return false;
  if (posting.port != 0 && posting.port != input_.port) return false;
  bool method_fits = (posting.methods & method_) != 0;
  if (!method_fits && (posting.flags & Posting::kOtherMethods) == 0) return false;
  constexpr uint8_t kFurther =
      Posting::kHeaders | Posting::kSnis | Posting::kOtherMethods | Posting::kPattern;
  if ((posting.flags & kFurther) == 0) return true;

  const RankedRule& rule = index_.rules[posting.rank];
  if (rule.conditions != kNoConditions) {
    const Conditions& conditions = index_.conditions[rule.conditions];
    if (!method_fits && !conditions.method_matches(input_.method)) return false;
    if (protocol_ == kOverHttps && !conditions.snis.empty() && !conditions.sni_matches(sni_)) {
      return false;
    }
    if (!conditions.headers_match(input_.headers)) return false;
  }
  return rule.pattern == nullptr || pattern_fits(rule);
}

bool Search::pattern_fits(const RankedRule& rule) {
  Pattern::Spans spans = rule.pattern->match(input_.path);
  if (!spans.matched()) return false;
  out_.matched_path = input_.path.substr(0, spans.end(0));
  out_.capture_count = 0;
  for (const Pattern::Group& group : rule.pattern->groups()) {
    size_t begin = spans.begin(group.number);
    if (begin == Pattern::Spans::npos || out_.capture_count == out_.captures.size()) continue;
    out_.captures[out_.capture_count++] = {
        .name = group.name, .value = input_.path.substr(begin, spans.end(group.number) - begin)};
  }
  return true;
}

// A pattern's match is in `out_` already: nothing better came after it, or this is not a pattern.
void Search::finish() {
  const RankedRule& rule = index_.rules[best_];
  out_.route = rule.route;
  out_.https_only = rule.https_only;
  out_.regex = rule.pattern != nullptr;
  if (!out_.regex) {
    out_.matched_path = input_.path.substr(0, rule.prefix_size);
    out_.capture_count = 0;
  }
}

}  // namespace sallyport::router
