// Bodies of HTML forms: application/x-www-form-urlencoded and multipart/form-data (RFC 7578), and
// query strings, which look like the former. For the Admin API and for plugins. Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::http {

struct FormField {
  std::string name;
  std::string value;
  bool has_value = true;  // false for "a" where "a=" has an empty one
};

// In the order of the text; fields without a name are left out. Nothing when there are more than
// `max_fields`.
std::optional<std::vector<FormField>> decode_form(std::string_view text, size_t max_fields = 1000);

// The boundary of a multipart/form-data content type; nothing when it has none, or is another type.
std::optional<std::string> multipart_boundary(std::string_view content_type);

// The parts of a multipart body as they are written; views into the body.
struct FormPart {
  std::string name;               // "" for none
  std::string_view written_name;  // in `text`, with its quotes where it has some
  bool has_name = false;
  std::string_view text;     // its header lines and content
  std::string_view content;  // of `text`
};
struct Multipart {
  std::string_view before;  // in front of the first delimiter; with its line end
  std::vector<FormPart> parts;
  std::string_view behind;  // from the "--" of the last delimiter on
};

// Nothing when the body does not keep to the format or has more than `max_parts`.
std::optional<Multipart> split_multipart(std::string_view body, std::string_view boundary,
                                         size_t max_parts);

// The fields of the parts. Nothing when the body does not keep to the format, has more than
// `max_fields` parts or one without a name. Parts that are files give their content like any other.
std::optional<std::vector<FormField>> decode_multipart(std::string_view body,
                                                       std::string_view boundary,
                                                       size_t max_fields = 1000);

}  // namespace sallyport::http
