#include "router/expression_keys.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/text.h"
#include "http/headers.h"

namespace sallyport::router {
namespace {

// More alternatives than these would fill the index without narrowing much.
constexpr size_t kMaxAlternatives = 200;

bool has_upper(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool has_letter(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
}

void host_keys(const Predicate& p, ExpressionKeys& out) {
  const auto* text = std::get_if<std::string>(&p.constant);
  if (text == nullptr || text->empty() || has_upper(*text)) return;
  auto add = [&](NameKind kind) { out.hosts.push_back({kind, *text}); };
  if (p.op == Operator::equal) add(NameKind::exact);
  // The index finds names at their dots, and an open side is never empty there.
  if (p.op == Operator::ends_with && text->starts_with('.')) {
    add(NameKind::suffix);
    add(NameKind::exact);
  }
  if (p.op == Operator::starts_with && text->ends_with('.')) {
    add(NameKind::prefix);
    add(NameKind::exact);
  }
}

void path_keys(const Predicate& p, ExpressionKeys& out) {
  if (const auto* pattern = std::get_if<std::shared_ptr<const Pattern>>(&p.constant)) {
    const std::string& prefix = (*pattern)->literal_prefix();
    if (!prefix.empty() && !(p.lower && has_letter(prefix))) out.prefixes.push_back(prefix);
    return;
  }
  if (p.op != Operator::equal && p.op != Operator::starts_with) return;
  const std::string& text = std::get<std::string>(p.constant);
  if (!text.empty() && !(p.lower && has_letter(text))) out.prefixes.push_back(text);
}

// Nothing when the comparison is not one with a whole name.
std::optional<uint16_t> methods_of(const Predicate& p) {
  if (p.field.kind != FieldKind::method || p.lower) return std::nullopt;
  const auto* text = std::get_if<std::string>(&p.constant);
  if (text == nullptr || http::method_of(*text) == http::Method::other) return std::nullopt;
  const uint16_t bit = method_bit(http::method_of(*text));
  if (p.op == Operator::equal) return bit;
  if (p.op == Operator::not_equal) return static_cast<uint16_t>(~bit);
  return std::nullopt;
}

ExpressionKeys predicate_keys(const Predicate& p) {
  ExpressionKeys out;
  if (const auto methods = methods_of(p)) {
    out.methods = *methods;
    out.exact = true;
    return out;
  }
  if (p.field.kind == FieldKind::host) host_keys(p, out);
  if (p.field.kind == FieldKind::path) path_keys(p, out);
  if (p.field.kind == FieldKind::header && p.op == Operator::equal) {
    out.headers.push_back(
        {.name = p.field.name, .values = {text::lower(std::get<std::string>(p.constant))}});
  }
  out.exact = !out.hosts.empty() || (!out.prefixes.empty() && p.op == Operator::starts_with);
  return out;
}

template <typename T>
void keep_narrower(std::vector<T>& kept, std::vector<T>&& other) {
  if (other.empty()) return;
  if (kept.empty() || other.size() < kept.size()) kept = std::move(other);
}

// The prefixes of a request's path that are asked about are many: the longest alternatives say
// most.
void keep_longer(std::vector<std::string>& kept, std::vector<std::string>&& other) {
  auto shortest = [](const std::vector<std::string>& list) {
    return std::ranges::min(list, {}, &std::string::size).size();
  };
  if (other.empty()) return;
  if (kept.empty() || shortest(other) > shortest(kept)) kept = std::move(other);
}

template <typename T>
void unite(std::vector<T>& all, std::vector<T>&& more, bool& open) {
  open |= more.empty();
  std::ranges::move(more, std::back_inserter(all));
  open |= all.size() > kMaxAlternatives;
  if (open) all.clear();
}

// One header with several values, when all parts ask for that header alone.
void unite_headers(std::vector<HeaderCondition>& all, const std::vector<HeaderCondition>& more,
                   bool& open) {
  open |= more.size() != 1 || (!all.empty() && all.front().name != more.front().name);
  if (open) {
    all.clear();
  } else if (all.empty()) {
    all = more;
  } else {
    std::ranges::copy(more.front().values, std::back_inserter(all.front().values));
  }
}

ExpressionKeys either_keys(const std::vector<ExpressionNode>& parts) {
  ExpressionKeys out;
  out.methods = 0;
  bool any_host = false, any_path = false, any_header = false;
  bool only_hosts = true, only_methods = true;
  for (const ExpressionNode& part : parts) {
    ExpressionKeys keys = keys_of(part);
    only_hosts &= keys.exact && keys.prefixes.empty() && keys.methods == kAllMethods;
    only_methods &= keys.exact && keys.prefixes.empty() && keys.hosts.empty();
    unite(out.hosts, std::move(keys.hosts), any_host);
    unite(out.prefixes, std::move(keys.prefixes), any_path);
    unite_headers(out.headers, keys.headers, any_header);
    out.methods |= keys.methods;
  }
  out.exact = only_methods || (only_hosts && !any_host);
  return out;
}

ExpressionKeys all_keys(const std::vector<ExpressionNode>& parts) {
  ExpressionKeys out;
  bool exact = true;
  for (const ExpressionNode& part : parts) {
    ExpressionKeys keys = keys_of(part);
    // Of two demands on the same field one key is kept.
    exact &= keys.exact && (keys.hosts.empty() || out.hosts.empty()) &&
             (keys.prefixes.empty() || out.prefixes.empty());
    keep_narrower(out.hosts, std::move(keys.hosts));
    keep_longer(out.prefixes, std::move(keys.prefixes));
    std::ranges::move(keys.headers, std::back_inserter(out.headers));
    out.methods &= keys.methods;
  }
  out.exact = exact;
  return out;
}

}  // namespace

ExpressionKeys keys_of(const ExpressionNode& node) {
  switch (node.kind) {
    case ExpressionNode::Kind::predicate:
      return predicate_keys(node.predicate);
    case ExpressionNode::Kind::negation:
      return {};
    case ExpressionNode::Kind::either:
      return either_keys(node.parts);
    case ExpressionNode::Kind::both:
      return all_keys(node.parts);
  }
  return {};
}

}  // namespace sallyport::router
