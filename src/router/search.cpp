#include "router/search.h"

#include <span>

#include "http/character.h"
#include "http/headers.h"
#include "router/expression_value.h"
#include "router/prefix_hash.h"
#include "router/rule.h"

namespace sallyport::router {
namespace {

// `text` in lower case: itself, or a copy in `buffer`; "" when it is longer than that.
std::string_view lowered(std::string_view text, std::span<char> buffer) {
  if (text.size() > buffer.size()) return {};
  bool upper = false;
  for (char c : text) upper |= c >= 'A' && c <= 'Z';
  if (!upper) return text;
  for (size_t i = 0; i < text.size(); ++i) buffer[i] = http::lower_case(text[i]);
  return {buffer.data(), text.size()};
}

}  // namespace

Search::Search(const RouteIndex& index, const MatchInput& input, Match& out,
               const std::vector<bool>* gone)
    : index_(index),
      input_(input),
      out_(out),
      gone_(gone),
      gave_up_(Pattern::gave_up()),
      host_(lowered(input.host, host_buffer_)),
      sni_(lowered(input.sni, sni_buffer_)),
      path_(input.path, index.longest_prefix),
      method_(method_bit(http::method_of(input.method))),
      protocol_(input.protocol == model::Protocol::https ? kOverHttps : kOverHttp) {}

bool Search::run() {
  if (index_.buckets.empty()) return false;
  if (!host_.empty()) visit_host();
  visit(0);
  return best_ != kNoRank;
}

Search::Place Search::place() const {
  const RankKey& key = index_.keys[best_];
  return {~key.priority, key.created_at, key.id, out_.route, key.path_order};
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
    return index_.buckets[b].name.is(name, index_.text);
  });
  if (bucket != HashIndex::kNone) visit(bucket);
}

// From the longest prefix down: among rules alike the longest wins, and spares the look at shorter.
void Search::visit(uint32_t bucket_index) {
  const Bucket& bucket = index_.buckets[bucket_index];
  if (bucket.best >= best_) return;
  const PrefixSize* sizes = bucket.sizes.count <= Bucket::kInline
                                ? bucket.inline_sizes.data()
                                : index_.sizes.data() + bucket.sizes.begin;
  for (uint32_t i = 0; i < bucket.sizes.count; ++i) {
    if (sizes[i].size > input_.path.size() || sizes[i].best >= best_) continue;
    visit_prefix(bucket_index, sizes[i].size);
  }
}

void Search::visit_prefix(uint32_t bucket, uint32_t size) {
  uint32_t group = index_.groups_by_prefix.find(path_.at(size, bucket), [&](uint32_t g) {
    const Group& candidate = index_.groups[g];
    return candidate.bucket == bucket &&
           candidate.prefix.is(input_.path.substr(0, size), index_.text);
  });
  if (group == HashIndex::kNone) return;
  prefix_size_ = size;
  visit(index_.groups[group]);
}

void Search::visit(const Group& group) {
  if (group.best >= best_) return;
  consider(group.first);
  scan(group.rest);
  if (group.splits == kNoIndex) return;
  List splits = index_.split_lists[group.splits];
  for (uint32_t i = splits.begin; i < splits.begin + splits.count; ++i) visit(i, index_.splits[i]);
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
        return candidate.split == split_index && candidate.value.is(lower_value, index_.text);
      });
  if (list != HashIndex::kNone) scan(index_.value_lists[list].postings);
}

void Search::scan(List list) {
  const Posting* postings = index_.postings.data() + list.begin;
  for (uint32_t i = 0; i < list.count && postings[i].rank < best_; ++i) consider(postings[i]);
}

void Search::consider(const Posting& posting) {
  if (posting.rank >= best_) return;
  if (gone_ != nullptr && (*gone_)[posting.route]) return;
  if (!fits(posting)) return;
  best_ = posting.rank;
  out_.route = posting.route;
  out_.https_only = (posting.flags & Posting::kHttpsOnly) != 0;
  if ((posting.flags & (Posting::kPattern | Posting::kExpression)) != 0) return;  // fits() has told
  out_.regex = false;
  out_.matched_path = input_.path.substr(0, prefix_size_);
  out_.capture_count = 0;
}

bool Search::fits(const Posting& posting) {
  if ((posting.flags & protocol_) == 0) return false;
  if (posting.port != 0 && posting.port != input_.port) return false;
  bool method_fits = (posting.methods & method_) != 0;
  if (!method_fits && (posting.flags & Posting::kOtherMethods) == 0) return false;
  constexpr uint8_t kDetails = Posting::kHeaders | Posting::kSnis | Posting::kOtherMethods |
                               Posting::kPattern | Posting::kExpression;
  if ((posting.flags & kDetails) == 0 || details_fit(posting, method_fits)) return true;
  // Undecided, and so is the request: no other rule is asked.
  if (Pattern::gave_up() != gave_up_) best_ = 0;
  return false;
}

bool Search::details_fit(const Posting& posting, bool method_fits) {
  const RuleDetails& details = index_.details[posting.rank];
  // An expression asks for all of it itself.
  if (details.expression != nullptr) return details.expression->matches(input_, host_, out_);
  if (details.conditions != kNoIndex) {
    const Conditions& conditions = index_.conditions[details.conditions];
    if (!method_fits && !conditions.method_matches(input_.method)) return false;
    if (protocol_ == kOverHttps && !conditions.snis.empty() && !conditions.sni_matches(sni_)) {
      return false;
    }
    if (!conditions.headers_match(input_.headers)) return false;
  }
  if (details.pattern == nullptr) return true;
  Pattern::Spans spans = details.pattern->match(input_.path);
  if (!spans.matched()) return false;
  out_.regex = true;
  out_.matched_path = input_.path.substr(0, spans.end(0));
  take_captures(*details.pattern, spans, input_.path, out_);
  return true;
}

}  // namespace sallyport::router
