#include "http/form.h"

#include "base/text.h"
#include "http/headers.h"
#include "http/uri.h"

namespace sallyport::http {
namespace {

struct Parameter {
  std::string value;
  std::string_view written;  // with its quotes
};

// Parameter `name` of "form-data; name=\"x\"; filename=y": quoted or a token.
std::optional<Parameter> parameter(std::string_view value, std::string_view name) {
  size_t i = value.find(';');
  while (i < value.size()) {
    std::string_view rest = trim_blanks(value.substr(i + 1));
    size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    bool wanted = text::equals_ignore_case(trim_blanks(rest.substr(0, equals)), name);
    Parameter found;
    size_t at = equals + 1;
    if (at < rest.size() && rest[at] == '"') {
      for (++at; at < rest.size() && rest[at] != '"'; ++at) {
        if (rest[at] == '\\' && at + 1 < rest.size()) ++at;
        found.value += rest[at];
      }
      if (at >= rest.size()) return std::nullopt;  // no closing quote
      found.written = rest.substr(equals + 1, at - equals);
    } else {
      found.written = trim_blanks(rest.substr(at, rest.find(';', at) - at));
      found.value = found.written;
    }
    if (wanted) return found;
    size_t next = rest.find(';', at);
    if (next == std::string_view::npos) return std::nullopt;
    value = rest;
    i = next;
  }
  return std::nullopt;
}

// `text` begins behind the boundary's line end. Nothing when its header lines are broken.
std::optional<FormPart> read_part(std::string_view text) {
  FormPart part{.name = "", .written_name = {}, .text = text, .content = text};
  while (true) {
    size_t end = part.content.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view line = part.content.substr(0, end);
    part.content.remove_prefix(end + 2);
    if (line.empty()) return part;
    size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    if (!text::equals_ignore_case(line.substr(0, colon), "content-disposition")) continue;
    std::string_view value = line.substr(colon + 1);
    if (auto name = parameter(value, "name")) {
      part.has_name = true;
      part.name = std::move(name->value);
      part.written_name = name->written;
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
  if (!boundary || boundary->value.empty() || boundary->value.size() > 70) return std::nullopt;
  return std::move(boundary->value);
}

std::optional<Multipart> split_multipart(std::string_view body, std::string_view boundary,
                                         size_t max_parts) {
  Multipart out;
  std::string delimiter = "\r\n--" + std::string(boundary);
  // The first delimiter may lack its line end, and text may stand before it.
  size_t at = 0;
  if (body.starts_with(std::string_view(delimiter).substr(2))) {
    at = delimiter.size() - 2;
  } else {
    at = body.find(delimiter);
    if (at == std::string_view::npos) return std::nullopt;
    out.before = body.substr(0, at + 2);
    at += delimiter.size();
  }
  while (true) {
    std::string_view rest = body.substr(at);
    if (rest.starts_with("--")) {
      out.behind = rest;
      return out;
    }
    if (!rest.starts_with("\r\n") || out.parts.size() == max_parts) return std::nullopt;
    size_t end = body.find(delimiter, at);
    if (end == std::string_view::npos) return std::nullopt;
    auto part = read_part(end > at + 2 ? body.substr(at + 2, end - at - 2) : std::string_view{});
    if (!part) return std::nullopt;
    out.parts.push_back(*std::move(part));
    at = end + delimiter.size();
  }
}

std::optional<std::vector<FormField>> decode_multipart(std::string_view body,
                                                       std::string_view boundary,
                                                       size_t max_fields) {
  std::vector<FormField> fields;
  if (body.empty()) return fields;
  auto split = split_multipart(body, boundary, max_fields);
  if (!split) return std::nullopt;
  for (FormPart& part : split->parts) {
    if (!part.has_name) return std::nullopt;
    fields.push_back({.name = std::move(part.name), .value = std::string(part.content)});
  }
  return fields;
}

}  // namespace sallyport::http
