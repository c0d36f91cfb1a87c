#include "model/checks.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "model/paths.h"
#include "model/validate.h"

namespace sallyport::model::declare {
namespace {

std::string quoted(const Names& names) {
  std::string out;
  for (const std::string& field : names) out += (out.empty() ? "'" : ", '") + field + "'";
  return out;
}

// Set and not an empty list or map.
bool filled(const Json& record, const std::string& field) {
  const Json* value = get_path(record, field);
  if (value == nullptr || value->is_null()) return false;
  return !(value->is_structured() && value->empty());
}

size_t count_filled(const Json& record, const Names& names) {
  return static_cast<size_t>(
      std::ranges::count_if(names, [&](const std::string& n) { return filled(record, n); }));
}

Json shown_rules(const std::vector<Rule>& rules) {
  Json out = Json::object();
  for (const Rule& rule : rules) {
    if (rule.argument.has_value()) out[std::string(rule.name)] = rule.argument.value();
  }
  return out;
}

Json shown_match(const Match& match) {
  Json out = shown_rules(match.rules);
  if (match.required) out["required"] = true;
  if (!match.elements.empty()) {
    out["elements"] = shown_rules(match.elements);
    out["elements"]["type"] = "string";
  }
  return out;
}

// `rules` with those of `over` in place of the same-named ones.
std::vector<Rule> overlaid(std::vector<Rule> rules, const std::vector<Rule>& over) {
  for (const Rule& rule : over) {
    std::erase_if(rules, [&](const Rule& old) { return old.name == rule.name; });
    rules.push_back(rule);
  }
  order_rules(rules);
  return rules;
}

// The fault of a value under a match: null, a text, or one per element.
Json match_fault(const Field& field, const Match& match, const Json* value) {
  if (value == nullptr || value->is_null()) {
    if (match.required) return "required field missing";
    for (const Rule& rule : match.rules) {
      if (rule.name == "eq" && !rule.argument.value().is_null()) return rule.check(Json(nullptr));
    }
    return nullptr;
  }
  Field merged = field;
  merged.rules = overlaid(merged.rules, match.rules);
  if (!match.elements.empty() && !merged.parts.empty()) {
    merged.parts.front().rules = overlaid(merged.parts.front().rules, match.elements);
  }
  return validate_value(merged, *value);
}

bool fulfils(const Json& record, const Shape& shape, const std::string& name, const Match& match) {
  const Field* field = find_path(shape, name);
  const Json* value = get_path(record, name);
  if (field == nullptr) return false;
  bool wants_null = std::ranges::any_of(match.rules, [](const Rule& rule) {
    return rule.name == "eq" && rule.argument.value().is_null();
  });
  if (value == nullptr || value->is_null()) return wants_null;
  return match_fault(*field, match, value).is_null();
}

std::string filled_in(std::string text, const Names& names) {
  if (size_t at = text.find("%s"); at != std::string::npos) text.replace(at, 2, quoted(names));
  return text;
}

}  // namespace

EntityCheck at_least_one_of(Names names) {
  EntityCheck check{.name = "at_least_one_of", .argument = Constant(Json(names)), .sources = names};
  check.run_with_missing_fields = true;
  check.check = [names](const Json& record, const Shape&, Json&) -> std::string {
    if (count_filled(record, names) > 0) return {};
    return "at least one of these fields must be non-empty: " + quoted(names);
  };
  return check;
}

EntityCheck only_one_of(Names names) {
  EntityCheck check{.name = "only_one_of", .argument = Constant(Json(names)), .sources = names};
  check.run_with_missing_fields = true;
  check.check = [names](const Json& record, const Shape&, Json&) -> std::string {
    if (count_filled(record, names) == 1) return {};
    return "exactly one of these fields must be non-empty: " + quoted(names);
  };
  return check;
}

EntityCheck mutually_required(Names names) {
  EntityCheck check{
      .name = "mutually_required", .argument = Constant(Json(names)), .sources = names};
  check.run_with_missing_fields = true;
  check.check = [names](const Json& record, const Shape&, Json&) -> std::string {
    size_t set = count_filled(record, names);
    if (set == 0 || set == names.size()) return {};
    return "all or none of these fields must be set: " + quoted(names);
  };
  return check;
}

EntityCheck mutually_exclusive(Names names) {
  EntityCheck check{
      .name = "mutually_exclusive", .argument = Constant(Json(names)), .sources = names};
  check.run_with_missing_fields = true;
  check.check = [names](const Json& record, const Shape&, Json&) -> std::string {
    if (count_filled(record, names) <= 1) return {};
    return "only one or none of these fields must be set: " + quoted(names);
  };
  return check;
}

EntityCheck distinct(Names names) {
  EntityCheck check{.name = "distinct", .argument = Constant(Json(names)), .sources = names};
  check.check = [names](const Json& record, const Shape&, Json&) -> std::string {
    for (size_t i = 0; i < names.size(); ++i) {
      const Json* a = get_path(record, names[i]);
      if (a == nullptr || a->is_null()) continue;
      for (size_t j = i + 1; j < names.size(); ++j) {
        const Json* b = get_path(record, names[j]);
        if (b != nullptr && *a == *b) {
          return "values of these fields must be distinct: " + quoted(names);
        }
      }
    }
    return {};
  };
  return check;
}

EntityCheck conditional(std::string if_field, Match if_match, std::string then_field,
                        Match then_match, std::string then_err) {
  Json argument = {{"if_field", if_field},
                   {"if_match", shown_match(if_match)},
                   {"then_field", then_field},
                   {"then_match", shown_match(then_match)}};
  if (!then_err.empty()) argument["then_err"] = then_err;
  EntityCheck check{.name = "conditional", .argument = Constant(std::move(argument))};
  check.sources = {if_field, then_field};
  check.run_with_invalid_fields = true;
  check.check = [=](const Json& record, const Shape& shape, Json& errors) -> std::string {
    if (!fulfils(record, shape, if_field, if_match)) return {};
    const Field* field = find_path(shape, then_field);
    if (field == nullptr) return {};
    Json fault = match_fault(*field, then_match, get_path(record, then_field));
    if (fault.is_null()) return {};
    set_path(errors, then_field, std::move(fault));
    if (!then_err.empty()) return then_err;
    return fmt::format("failed conditional validation given value of field '{}'", if_field);
  };
  return check;
}

EntityCheck conditional_at_least_one_of(std::string if_field, Alternative then,
                                        Alternative otherwise) {
  Json argument = {{"if_field", if_field},
                   {"if_match", shown_match(then.match)},
                   {"then_at_least_one_of", then.at_least_one_of},
                   {"then_err", then.err}};
  if (!otherwise.at_least_one_of.empty()) {
    argument["else_match"] = shown_match(otherwise.match);
    argument["else_then_at_least_one_of"] = otherwise.at_least_one_of;
    argument["else_then_err"] = otherwise.err;
  }
  EntityCheck check{.name = "conditional_at_least_one_of",
                    .argument = Constant(std::move(argument))};
  check.sources = then.at_least_one_of;
  check.sources.push_back(if_field);
  check.run_with_missing_fields = true;
  check.check = [=](const Json& record, const Shape& shape, Json&) -> std::string {
    for (const Alternative* branch : {&then, &otherwise}) {
      if (branch->at_least_one_of.empty()) continue;
      if (!fulfils(record, shape, if_field, branch->match)) continue;
      if (count_filled(record, branch->at_least_one_of) > 0) return {};
      return filled_in(branch->err, branch->at_least_one_of);
    }
    return {};
  };
  return check;
}

EntityCheck custom_entity_check(
    Names sources,
    std::function<std::string(const Json& record, const Shape& shape, Json& errors)> check) {
  Constant shown = Constant(Json{{"field_sources", sources}});
  EntityCheck result{.name = "custom_entity_check", .argument = shown, .sources = sources};
  result.check = std::move(check);
  return result;
}

}  // namespace sallyport::model::declare
