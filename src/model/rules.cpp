#include "model/rules.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/json.h"
#include "model/pattern.h"

namespace sallyport::model {

namespace {

size_t rank(const Rule& rule) {
  static constexpr std::array<std::string_view, 18> kOrder = {"eq",
                                                              "ne",
                                                              "not_one_of",
                                                              "one_of",
                                                              "gt",
                                                              "between",
                                                              "len_eq",
                                                              "len_min",
                                                              "len_max",
                                                              "starts_with",
                                                              "not_match",
                                                              "match_none",
                                                              "match",
                                                              "match_all",
                                                              "match_any",
                                                              "contains",
                                                              "custom_validator",
                                                              "mutually_exclusive_subsets"};
  return static_cast<size_t>(std::ranges::find(kOrder, rule.name) - kOrder.begin());
}

}  // namespace

void order_rules(std::vector<Rule>& rules) {
  for (size_t i = 1; i < rules.size(); ++i) {  // few, and their own order must stay
    for (size_t j = i; j > 0 && rank(rules[j]) < rank(rules[j - 1]); --j) {
      std::swap(rules[j], rules[j - 1]);
    }
  }
}

namespace declare {
namespace {

// A value as it stands in a message: strings bare, the rest as JSON.
std::string shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

std::string joined(const Json& values) {
  std::string out;
  for (const Json& value : values) {
    if (!out.empty()) out += ", ";
    out += shown(value);
  }
  return out;
}

bool holds(const Json& list, const Json& value) {
  return std::ranges::find(list, value) != list.end();
}

std::string number_text(double number) {
  return fmt::format("{}", number);
}

size_t length(const Json& value) {
  return value.is_string() ? value.get_ref<const std::string&>().size() : value.size();
}

Constant number_constant(double number) {
  auto whole = static_cast<int64_t>(number);
  return static_cast<double>(whole) == number ? Constant(whole) : Constant(number);
}

std::string invalid(const Json& value) {
  return "invalid value: " + shown(value);
}

bool matches_value(const std::string& pattern, const Json& value) {
  return value.is_string() && matches(pattern, value.get_ref<const std::string&>());
}

Json shown_patterns(const std::vector<Pattern>& patterns) {
  Json list = Json::array();
  for (const Pattern& p : patterns) {
    Json entry = {{"pattern", p.pattern}};
    if (!p.err.empty()) entry["err"] = p.err;
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

Rule equals(Constant value) {
  return {"eq", value, [value](const Json& v) {
            if (v == value.value()) return std::string();
            return "value must be " + shown(value.value());
          }};
}

Rule not_equals(Constant value) {
  return {"ne", value, [value](const Json& v) {
            if (v != value.value()) return std::string();
            return "value must not be " + shown(value.value());
          }};
}

Rule one_of(Constant values) {
  return {"one_of", values, [values](const Json& v) {
            if (holds(values.value(), v)) return std::string();
            return "expected one of: " + joined(values.value());
          }};
}

Rule not_one_of(Constant values) {
  return {"not_one_of", values, [values](const Json& v) {
            if (!holds(values.value(), v)) return std::string();
            return "must not be one of: " + joined(values.value());
          }};
}

Rule greater_than(double bound) {
  return {"gt", number_constant(bound), [bound](const Json& v) {
            if (v.is_number() && v.get<double>() > bound) return std::string();
            return "value must be greater than " + number_text(bound);
          }};
}

Rule between(double low, double high) {
  Json bounds = Json::array({number_constant(low).value(), number_constant(high).value()});
  return {"between", Constant(std::move(bounds)), [low, high](const Json& v) {
            if (v.is_number() && v.get<double>() >= low && v.get<double>() <= high) {
              return std::string();
            }
            return fmt::format("value should be between {} and {}", low, high);
          }};
}

Rule len_eq(size_t expected) {
  return {"len_eq", Constant(static_cast<int64_t>(expected)), [expected](const Json& v) {
            return length(v) == expected ? "" : fmt::format("length must be {}", expected);
          }};
}

Rule len_min(size_t minimum) {
  return {"len_min", Constant(static_cast<int64_t>(minimum)), [minimum](const Json& v) {
            return length(v) >= minimum ? "" : fmt::format("length must be at least {}", minimum);
          }};
}

Rule len_max(size_t maximum) {
  return {"len_max", Constant(static_cast<int64_t>(maximum)), [maximum](const Json& v) {
            return length(v) <= maximum ? "" : fmt::format("length must be at most {}", maximum);
          }};
}

Rule starts_with(std::string prefix) {
  Constant shown_prefix = Constant(std::string_view(prefix));
  return {"starts_with", shown_prefix, [prefix = std::move(prefix)](const Json& v) {
            bool fine = v.is_string() && v.get_ref<const std::string&>().starts_with(prefix);
            return fine ? "" : "should start with: " + prefix;
          }};
}

Rule match(std::string pattern) {
  Constant shown_pattern = Constant(std::string_view(pattern));
  return {"match", shown_pattern, [pattern = std::move(pattern)](const Json& v) {
            return matches_value(pattern, v) ? std::string() : invalid(v);
          }};
}

Rule not_match(std::string pattern) {
  Constant shown_pattern = Constant(std::string_view(pattern));
  return {"not_match", shown_pattern, [pattern = std::move(pattern)](const Json& v) {
            return matches_value(pattern, v) ? invalid(v) : std::string();
          }};
}

Rule match_all(std::vector<Pattern> patterns) {
  Constant argument = Constant(shown_patterns(patterns));
  return {"match_all", argument, [patterns = std::move(patterns)](const Json& v) {
            for (const Pattern& p : patterns) {
              if (!matches_value(p.pattern, v)) return p.err.empty() ? invalid(v) : p.err;
            }
            return std::string();
          }};
}

Rule match_none(std::vector<Pattern> patterns) {
  Constant argument = Constant(shown_patterns(patterns));
  return {"match_none", argument, [patterns = std::move(patterns)](const Json& v) {
            for (const Pattern& p : patterns) {
              if (matches_value(p.pattern, v)) return p.err.empty() ? invalid(v) : p.err;
            }
            return std::string();
          }};
}

Rule match_any(std::vector<std::string> patterns, std::string err) {
  Constant argument = Constant(Json{{"err", err}, {"patterns", patterns}});
  return {"match_any", argument,
          [patterns = std::move(patterns), err = std::move(err)](const Json& v) {
            for (const std::string& pattern : patterns) {
              if (matches_value(pattern, v)) return std::string();
            }
            return err.empty() ? invalid(v) : err;
          }};
}

Rule contains(Constant value) {
  return {"contains", value, [value](const Json& v) {
            bool fine = v.is_array() && holds(v, value.value());
            return fine ? "" : "expected to contain: " + shown(value.value());
          }};
}

Rule mutually_exclusive_subsets(std::vector<std::vector<std::string>> subsets) {
  Constant argument = Constant(Json(subsets));
  return {"mutually_exclusive_subsets", argument,
          [subsets = std::move(subsets)](const Json& v) -> std::string {
            std::string listed;
            int used = 0;
            for (const auto& subset : subsets) {
              std::string present;
              for (const std::string& word : subset) {
                if (!holds(v, word)) continue;
                present += (present.empty() ? "'" : ", '") + word + "'";
              }
              if (present.empty()) continue;
              listed += (used++ > 0 ? ", (" : "(") + present + ")";
            }
            return used > 1 ? "these sets are mutually exclusive: " + listed : "";
          }};
}

Rule custom(std::function<std::string(const Json& value)> check) {
  return {"custom_validator", {}, std::move(check)};
}

Rule custom_text(std::function<std::string(std::string_view text)> check) {
  return {"custom_validator", {}, [check = std::move(check)](const Json& v) {
            return v.is_string() ? check(v.get_ref<const std::string&>()) : std::string();
          }};
}

}  // namespace declare
}  // namespace sallyport::model
