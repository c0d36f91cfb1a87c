#include "http/form.h"

#include "base/text.h"
#include "http/headers.h"
#include "http/uri.h"

namespace sallyport::http {
namespace {

// The value of parameter `name` in "form-data; name=\"x\"; filename=y": quoted or a token.
std::optional<std::string> parameter(std::string_view value, std::string_view name) {
  size_t i = value.find(';');
  while (i < value.size()) {
    std::string_view rest = trim_blanks(value.substr(i + 1));
    size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    bool wanted = text::equals_ignore_case(trim_blanks(rest.substr(0, equals)), name);
    std::string content;
    size_t at = equals + 1;
    if (at < rest.size() && rest[at] == '"') {
      for (++at; at < rest.size() && rest[at] != '"'; ++at) {
        if (rest[at] == '\\' && at + 1 < rest.size()) ++at;
        content += rest[at];
      }
      if (at >= rest.size()) return std::nullopt;  // no closing quote
    } else {
      content = trim_blanks(rest.substr(at, rest.find(';', at) - at));
    }
    if (wanted) return content;
    size_t next = rest.find(';', at);
    if (next == std::string_view::npos) return std::nullopt;
    value = rest;
    i = next;
  }
  return std::nullopt;
}

// Takes the header lines off `part`, which begins behind the boundary's line end.
std::optional<std::string> part_name(std::string_view& part) {
  std::optional<std::string> name;
  while (true) {
    size_t end = part.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view line = part.substr(0, end);
    part.remove_prefix(end + 2);
    if (line.empty()) return name;
    size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    if (text::equals_ignore_case(line.substr(0, colon), "content-disposition")) {
      name = parameter(line.substr(colon + 1), "name");
    }
  }
}

}  // namespace

std::optional<std::vector<FormField>> decode_form(std::string_view text, size_t max_fields) {
  std::vector<FormField> fields;
  while (!text.empty()) {
    size_t end = text.find('&');
    std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    size_t equals = pair.find('=');
    if (pair.empty() || equals == 0) continue;
    if (fields.size() == max_fields) return std::nullopt;
    FormField field{.name = percent_decode(pair.substr(0, equals), true), .value = ""};
    field.has_value = equals != std::string_view::npos;
    if (field.has_value) field.value = percent_decode(pair.substr(equals + 1), true);
    fields.push_back(std::move(field));
  }
  return fields;
}

std::optional<std::string> multipart_boundary(std::string_view content_type) {
  std::string_view type = trim_blanks(content_type.substr(0, content_type.find(';')));
  if (!text::equals_ignore_case(type, "multipart/form-data")) return std::nullopt;
  auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > 70) return std::nullopt;
  return boundary;
}

std::optional<std::vector<FormField>> decode_multipart(std::string_view body,
                                                       std::string_view boundary,
                                                       size_t max_fields) {
  std::vector<FormField> fields;
  if (body.empty()) return fields;
  std::string delimiter = "\r\n--" + std::string(boundary);
  // The first delimiter may lack its line end, and text may stand before it.
  size_t at = body.starts_with(std::string_view(delimiter).substr(2)) ? delimiter.size() - 2
                                                                      : body.find(delimiter);
  if (at == std::string_view::npos) return std::nullopt;
  if (!body.starts_with(std::string_view(delimiter).substr(2))) at += delimiter.size();
  while (true) {
    std::string_view rest = body.substr(at);
    if (rest.starts_with("--")) return fields;
    if (!rest.starts_with("\r\n") || fields.size() == max_fields) return std::nullopt;
    size_t end = body.find(delimiter, at);
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view part = end > at + 2 ? body.substr(at + 2, end - at - 2) : std::string_view{};
    auto name = part_name(part);
    if (!name) return std::nullopt;
    fields.push_back({.name = *std::move(name), .value = std::string(part)});
    at = end + delimiter.size();
  }
}

}  // namespace sallyport::http
