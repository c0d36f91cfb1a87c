// The rules of single values, named as /schemas shows them. Each returns its fault in Kong's words.
// Rules are stateless; any thread.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "model/schema.h"

namespace sallyport::model::declare {

// A pattern (model/pattern.h) and what to say when the value is on its wrong side; "" for Kong's
// "invalid value: …".
struct Pattern {
  std::string pattern;
  std::string err = {};
};

Rule equals(Constant value);      // shown as `eq`; null: must not be set
Rule not_equals(Constant value);  // `ne`
Rule one_of(Constant values);
Rule not_one_of(Constant values);
Rule greater_than(double bound);  // `gt`
Rule between(double low, double high);
Rule len_eq(size_t length);
Rule len_min(size_t length);  // strings have 1 unless told otherwise
Rule len_max(size_t length);
Rule starts_with(std::string prefix);
Rule match(std::string pattern);
Rule not_match(std::string pattern);
Rule match_all(std::vector<Pattern> patterns);
Rule match_none(std::vector<Pattern> patterns);
Rule match_any(std::vector<std::string> patterns, std::string err);
Rule contains(Constant value);
Rule mutually_exclusive_subsets(std::vector<std::vector<std::string>> subsets);
// Anything else; not shown by /schemas. Gets the value as it is, after its type was checked.
Rule custom(std::function<std::string(const Json& value)> check);
// The same for strings.
Rule custom_text(std::function<std::string(std::string_view text)> check);

}  // namespace sallyport::model::declare

namespace sallyport::model {

// Puts rules into Kong's order of checking, for the first fault hides the later ones.
void order_rules(std::vector<Rule>& rules);

}  // namespace sallyport::model
