#include "router/conditions.h"

#include <algorithm>

#include "base/text.h"
#include "http/character.h"
#include "http/headers.h"

namespace sallyport::router {
namespace {

char fold_name(char c) {
  return c == '_' ? '-' : text::lower(c);
}

Result<HeaderCondition> parse_header(const std::string& name,
                                     const std::vector<std::string>& values, PatternCache& patterns,
                                     Flavor flavor) {
  HeaderCondition condition;
  for (char c : name) condition.name += fold_name(c);
  for (const std::string& value : values) {
    if (!value.starts_with("~*") || (flavor == Flavor::traditional && values.size() > 1)) {
      condition.values.push_back(text::lower(value));
      continue;
    }
    auto pattern = patterns.get(std::string_view(value).substr(2), Pattern::Kind::header_value);
    if (!pattern) return fail(pattern.error());
    condition.patterns.push_back(*std::move(pattern));
  }
  return condition;
}

}  // namespace

bool same_header_name(std::string_view name, std::string_view wanted) {
  return name.size() == wanted.size() &&
         std::ranges::equal(name, wanted, [](char a, char b) { return fold_name(a) == b; });
}

bool same_lowered(std::string_view text, std::string_view wanted) {
  return text.size() == wanted.size() &&
         std::ranges::equal(text, wanted, [](char a, char b) { return http::lower_case(a) == b; });
}

NamePattern parse_name(std::string_view text) {
  if (text.starts_with('*')) return {NameKind::suffix, text::lower(text.substr(1))};
  if (text.ends_with('*')) return {NameKind::prefix, text::lower(text.substr(0, text.size() - 1))};
  return {NameKind::exact, text::lower(text)};
}

bool NamePattern::matches(std::string_view name) const {
  switch (kind) {
    case NameKind::exact:
      return name == text;
    case NameKind::suffix:
      return name.size() > text.size() && name.ends_with(text);
    case NameKind::prefix:
      return name.size() > text.size() && name.starts_with(text);
  }
  return false;
}

bool HeaderCondition::matches(std::span<const http::Header> fields) const {
  for (const http::Header& field : fields) {
    if (!same_header_name(field.name, name)) continue;
    for (const std::string& value : values) {
      if (same_lowered(field.value, value)) return true;
    }
    for (const auto& pattern : patterns) {
      if (pattern->match(field.value).matched()) return true;
    }
  }
  return false;
}

bool Conditions::method_matches(std::string_view method) const {
  return std::ranges::find(other_methods, method) != other_methods.end();
}

bool Conditions::headers_match(std::span<const http::Header> fields) const {
  return std::ranges::all_of(headers,
                             [fields](const HeaderCondition& c) { return c.matches(fields); });
}

bool Conditions::sni_matches(std::string_view sni) const {
  return std::ranges::any_of(snis, [sni](const NamePattern& name) { return name.matches(sni); });
}

uint16_t method_bits(const std::vector<std::string>& methods, std::vector<std::string>& other) {
  if (methods.empty()) return kAllMethods;
  uint16_t bits = 0;
  for (const std::string& name : methods) {
    http::Method method = http::method_of(name);
    if (method == http::Method::other) {
      other.push_back(name);
    } else {
      bits |= method_bit(method);
    }
  }
  return bits;
}

Result<Conditions> parse_conditions(const model::Route& route, PatternCache& patterns,
                                    Flavor flavor) {
  Conditions out;
  for (const auto& [name, values] : route.headers) {
    auto condition = parse_header(name, values, patterns, flavor);
    if (!condition) return fail(condition.error());
    out.headers.push_back(*std::move(condition));
  }
  for (std::string_view sni : route.snis) {
    // RFC 6066 section 3: names come without the dot that makes them absolute.
    if (sni.size() > 1 && sni.ends_with('.')) sni.remove_suffix(1);
    out.snis.push_back(parse_name(sni));
  }
  return out;
}

}  // namespace sallyport::router
