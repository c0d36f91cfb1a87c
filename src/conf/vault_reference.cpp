#include "conf/vault_reference.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"

namespace sallyport::conf {
namespace {

constexpr std::string_view kBegin = "{vault://";

struct Reference {
  std::string_view vault;
  std::string_view name;
  std::string_view key;  // of the JSON object; empty: the whole value
  std::optional<std::string_view> prefix;
};

std::unexpected<Error> complain(std::string message) {
  return fail("conf.vault", Side::config, std::move(message));
}

std::optional<Reference> parse(std::string_view text) {
  text.remove_prefix(kBegin.size());
  text.remove_suffix(1);
  Reference out;
  if (size_t question = text.find('?'); question != std::string_view::npos) {
    for (std::string_view option : text::split(text.substr(question + 1), '&')) {
      if (option.starts_with("prefix=")) out.prefix = option.substr(7);
    }
    text = text.substr(0, question);
  }
  auto parts = text::split(text, '/');
  if (parts.size() == 3 && parts[2].empty()) parts.pop_back();
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  for (std::string_view part : parts) {
    if (part.empty()) return std::nullopt;
  }
  out.vault = parts[0];
  out.name = parts[1];
  if (parts.size() == 3) out.key = parts[2];
  return out;
}

std::string variable_name(std::string_view prefix, std::string_view name) {
  std::string out = std::string(prefix) + std::string(name);
  for (char& c : out) {
    if (c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

Result<std::string> field_of(const std::string& variable, std::string_view json,
                             std::string_view key) {
  Json object = parse_json(json);
  if (object.is_discarded() || !object.is_object()) {
    return complain(fmt::format("the variable {} holds no JSON object, so it has no field '{}'",
                                variable, key));
  }
  auto field = object.find(key);
  if (field == object.end()) {
    return complain(fmt::format("the JSON in the variable {} has no field '{}'", variable, key));
  }
  if (field->is_string()) return field->get<std::string>();
  if (field->is_number() || field->is_boolean()) return to_text(*field);
  return complain(
      fmt::format("the field '{}' of the JSON in the variable {} is neither text nor a "
                  "number nor true or false",
                  key, variable));
}

}  // namespace

bool is_vault_reference(std::string_view text) {
  return text.starts_with(kBegin) && text.ends_with('}');
}

Result<std::string> read_vault(std::string_view reference, std::string_view prefix,
                               const Environment& environment) {
  auto parsed = parse(reference);
  if (!parsed) {
    return complain(
        fmt::format("'{}' is not a reference: write {{vault://env/NAME}} or "
                    "{{vault://env/NAME/FIELD}}",
                    reference));
  }
  if (parsed->vault != "env") {
    return complain(
        fmt::format("there is no vault '{}' here; the one that there is: env", parsed->vault));
  }
  std::string variable = variable_name(parsed->prefix.value_or(prefix), parsed->name);
  const char* value = environment(variable.c_str());
  if (value == nullptr) {
    return complain(
        fmt::format("the environment variable {} of {} is not set", variable, reference));
  }
  if (parsed->key.empty()) return std::string(value);
  return field_of(variable, value, parsed->key);
}

}  // namespace sallyport::conf
