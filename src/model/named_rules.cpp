#include "model/named_rules.h"

#include <array>
#include <cstdlib>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "model/formats.h"
#include "model/paths.h"
#include "model/pattern.h"
#include "model/rules.h"
#include "model/shared_dictionaries.h"

namespace sallyport::model {
namespace {

using declare::custom;
using declare::custom_text;

bool is_set(const Json& record, const char* field) {
  auto found = record.find(field);
  return found != record.end() && !found->is_null();
}

std::string asterisk_or_regex(std::string_view text) {
  if (text == "*" || formats::regex_fault(text).empty()) return {};
  return fmt::format("'{}' is not a valid regex", text);
}

std::string shared_dictionary(std::string_view name) {
  return is_shared_dictionary(name) ? "" : fmt::format("missing shared dict '{}'", name);
}

// ---- "name:value" of the transformers

std::pair<std::string_view, std::string_view> split_pair(std::string_view pair) {
  size_t colon = pair.find(':');
  if (colon == std::string_view::npos) return {pair, {}};
  std::string_view value = pair.substr(colon);
  value.remove_prefix(std::min(value.find_first_not_of(':'), value.size()));
  return {pair.substr(0, colon), value};
}

std::string not_a_header(std::string_view name) {
  return formats::header_name(name).empty() ? "" : fmt::format("'{}' is not a valid header", name);
}

std::string header_pair(std::string_view pair) {
  return not_a_header(split_pair(pair).first);
}

std::string header_rename(std::string_view pair) {
  auto [from, to] = split_pair(pair);
  std::string fault = not_a_header(from);
  return fault.empty() ? not_a_header(to) : fault;
}

std::string named_value(std::string_view pair) {
  auto [name, value] = split_pair(pair);
  return name.empty() || value.empty() ? fmt::format("key '{}' has no value", name) : "";
}

// ---- whole records

// A longer period cannot have the lower limit.
std::string rising_limits(const Json& limits) {
  static constexpr std::array kPeriods = {"second", "minute", "hour", "day", "month", "year"};
  for (size_t i = 0; i < kPeriods.size(); ++i) {
    if (!is_set(limits, kPeriods[i])) continue;
    double lower = limits[kPeriods[i]].get<double>();
    for (size_t j = i + 1; j < kPeriods.size(); ++j) {
      if (!is_set(limits, kPeriods[j])) continue;
      double upper = limits[kPeriods[j]].get<double>();
      if (upper >= lower) continue;
      return fmt::format("The limit for {}({:.1f}) cannot be lower than the limit for {}({:.1f})",
                         kPeriods[j], upper, kPeriods[i], lower);
    }
  }
  return {};
}

std::string request_termination(const Json& config) {
  bool content = is_set(config, "content_type"), body = is_set(config, "body");
  if (is_set(config, "message") && (content || body)) {
    return "message cannot be used with content_type or body";
  }
  if (content && !body) return "content_type requires a body";
  bool echo = is_set(config, "echo") && config["echo"] == true;
  return echo && (content || body) ? "echo cannot be used with content_type and body" : "";
}

std::string oauth2_flows(const Json& config) {
  for (const char* flow : {"enable_authorization_code", "enable_implicit_grant",
                           "enable_client_credentials", "enable_password_grant"}) {
    if (is_set(config, flow) && config[flow] == true) return {};
  }
  return "at least one of these fields must be true: enable_authorization_code, "
         "enable_implicit_grant, enable_client_credentials, enable_password_grant";
}

std::string http_log(const Json& config) {
  if (!is_set(config, "headers") || !is_set(config, "http_endpoint")) return {};
  bool header = false;
  for (const auto& [name, value] : config["headers"].items()) {
    header |= text::lower(name) == "authorization";
  }
  std::string_view url = config["http_endpoint"].get_ref<const std::string&>();
  size_t start = url.find("://");
  if (start == std::string_view::npos) return {};
  std::string_view authority = url.substr(start + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (!header || !authority.contains('@')) return {};
  return "specifying both an 'Authorization' header and user info in 'http_endpoint' is not "
         "allowed";
}

std::string distinct_names(const Json& list) {
  std::set<std::string> seen;
  for (const Json& entry : list) {
    if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string()) continue;
    const std::string& name = entry["name"].get_ref<const std::string&>();
    if (!seen.insert(name).second) return "repeated tags are not allowed: " + name;
  }
  return {};
}

std::string plain_proxy(const Json& record, const Shape&, Json&) {
  const Json* url = get_path(record, "config.proxy_url");
  if (url == nullptr || !url->is_string()) return {};
  std::string_view text = url->get_ref<const std::string&>();
  size_t end = text.find("://");
  bool other = end != std::string_view::npos && text.substr(0, end) != "http";
  return other ? "proxy_url scheme must be http" : "";
}

std::string cache_in_memory(const Json& record, const Shape&, Json&) {
  const Json* strategy = get_path(record, "config.strategy");
  const Json* name = get_path(record, "config.memory.dictionary_name");
  bool named = strategy != nullptr && *strategy == "memory" && name != nullptr && name->is_string();
  return named ? shared_dictionary(name->get_ref<const std::string&>()) : "";
}

struct TextRule {
  std::string_view name;
  std::string (*check)(std::string_view);
};
constexpr TextRule kTexts[] = {
    {"url", formats::url},
    {"sni", formats::sni},
    {"host", formats::host},
    {"host_with_wildcard", formats::host_with_wildcard},
    {"ip_or_cidr", formats::ip_or_cidr},
    {"header_name", formats::header_name},
    {"path", formats::path},
    {"asterisk_or_regex", asterisk_or_regex},
    {"header_pair", header_pair},
    {"header_rename", header_rename},
    {"named_value", named_value},
    {"shared_dictionary", shared_dictionary},
};

struct ValueRule {
  std::string_view name;
  std::string (*check)(const Json&);
};
constexpr ValueRule kValues[] = {
    {"rising_limits", rising_limits},   {"request_termination", request_termination},
    {"oauth2_flows", oauth2_flows},     {"http_log", http_log},
    {"distinct_names", distinct_names},
};

}  // namespace

Rule named_rule(std::string_view name) {
  for (const TextRule& rule : kTexts) {
    if (rule.name == name) return custom_text(rule.check);
  }
  for (const ValueRule& rule : kValues) {
    if (rule.name == name) return custom(rule.check);
  }
  log::error("a declaration names the rule '{}', which nobody knows", name);
  std::abort();
}

std::function<std::string(const Json&, const Shape&, Json&)> named_check(std::string_view name) {
  if (name == "plain_proxy") return plain_proxy;
  if (name == "cache_in_memory") return cache_in_memory;
  log::error("a declaration names the check '{}', which nobody knows", name);
  std::abort();
}

Rule regular_expression() {
  return {"is_regex", Constant(true), [](const Json& value) {
            if (!value.is_string()) return std::string();
            const std::string& text = value.get_ref<const std::string&>();
            return formats::regex_fault(text).empty() ? "" : "not a valid regex: " + text;
          }};
}

}  // namespace sallyport::model
