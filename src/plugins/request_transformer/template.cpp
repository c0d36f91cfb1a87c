#include "plugins/request_transformer/template.h"

#include "base/text.h"
#include "plugin/query.h"

namespace sallyport::plugins::request_transformer {
namespace {

bool quoted(std::string_view text) {
  return text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
         text.back() == text.front();
}

std::string_view unquoted(std::string_view text) {
  return quoted(text) ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

Template::Template(std::string_view text) {
  Part part;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("$$(")) {
      part.text += "$(";
      i += 2;
      continue;
    }
    const size_t end = text.substr(i).starts_with("$(") ? text.find(')', i) : text.npos;
    if (end == text.npos) {
      part.text += text[i];
      continue;
    }
    part.sources = sources_of(text.substr(i + 2, end - i - 2));
    parts_.push_back(std::move(part));
    part = {};
    i = end;
  }
  if (!part.text.empty() || parts_.empty()) parts_.push_back(std::move(part));
}

std::vector<Template::Source> Template::sources_of(std::string_view expression) {
  std::vector<Source> out;
  while (!expression.empty()) {
    const size_t next = expression.find(" or ");
    const std::string_view one = text::trim(expression.substr(0, next));
    expression = next == expression.npos ? "" : expression.substr(next + 4);
    const size_t mark = one.find_first_of(".[");
    if (quoted(one) || mark == one.npos) {
      out.push_back({"", std::string(unquoted(one))});
      continue;
    }
    std::string_view name = one.substr(mark + 1);
    if (one[mark] == '[' && name.ends_with(']')) name.remove_suffix(1);
    out.push_back({std::string(one.substr(0, mark)), std::string(unquoted(text::trim(name)))});
  }
  return out;
}

std::optional<std::string> Template::value_of(const Source& source,
                                              const plugin::Exchange& exchange) {
  if (source.space.empty()) return source.name;
  if (source.space == "headers") {
    std::string name = source.name;
    auto value = exchange.headers.get(name);
    if (!value) {
      for (char& c : name) c = c == '_' ? '-' : c;
      value = exchange.headers.get(name);
    }
    if (!value) return std::nullopt;
    return std::string(*value);
  }
  if (source.space == "query_params") {
    auto values = plugin::Query(exchange.current_query()).values(source.name);
    if (values.empty()) return std::nullopt;
    return values.front();
  }
  if (source.space == "uri_captures") {
    for (const auto& [name, value] : exchange.captures) {
      if (name == source.name) return value;
    }
  }
  return std::nullopt;
}

std::optional<std::string> Template::fill(const plugin::Exchange& exchange) const {
  std::string out;
  bool anything = parts_.size() == 1 && parts_.front().sources.empty();
  for (const Part& part : parts_) {
    out += part.text;
    anything |= !part.text.empty();
    for (const Source& source : part.sources) {
      if (auto value = value_of(source, exchange)) {
        out += *value;
        anything = true;
        break;
      }
    }
  }
  if (!anything) return std::nullopt;
  return out;
}

}  // namespace sallyport::plugins::request_transformer
