#include "http/accept.h"

#include <cmath>

#include "base/text.h"
#include "http/headers.h"

namespace sallyport::http {
namespace {

// q in thousandths; a broken q counts as 1, a missing one too.
int quality(std::string_view parameters) {
  while (!parameters.empty()) {
    size_t end = parameters.find(';');
    std::string_view parameter = trim_blanks(parameters.substr(0, end));
    parameters.remove_prefix(end == std::string_view::npos ? parameters.size() : end + 1);
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    auto number = text::to_number(parameter.substr(2));
    if (!number || *number < 0 || *number > 1) return 1000;
    return static_cast<int>(std::lround(*number * 1000));
  }
  return 1000;
}

}  // namespace

std::string_view content_type(BodyFormat format) {
  switch (format) {
    case BodyFormat::json:
      return "application/json; charset=utf-8";
    case BodyFormat::html:
      return "text/html; charset=utf-8";
    case BodyFormat::xml:
      return "application/xml; charset=utf-8";
    case BodyFormat::text:
      return "text/plain; charset=utf-8";
  }
  return "text/plain; charset=utf-8";
}

std::optional<BodyFormat> format_of(std::string_view media_type) {
  std::string_view type = trim_blanks(media_type.substr(0, media_type.find(';')));
  auto equals = [type](std::string_view name) { return text::equals_ignore_case(type, name); };
  if (equals("application/json")) return BodyFormat::json;
  if (equals("text/html") || equals("application/xhtml+xml")) return BodyFormat::html;
  if (equals("application/xml") || equals("text/xml")) return BodyFormat::xml;
  if (equals("text/plain")) return BodyFormat::text;
  return std::nullopt;
}

std::optional<BodyFormat> choose_format(std::string_view accept, BodyFormat any) {
  std::optional<BodyFormat> best;
  int best_quality = 0;
  std::string_view element;
  while (next_element(accept, element)) {
    size_t end = element.find(';');
    std::string_view type = trim_blanks(element.substr(0, end));
    std::optional<BodyFormat> format = format_of(type);
    if (type == "*/*") format = any;
    if (type == "text/*") format = BodyFormat::text;
    if (type == "application/*") format = BodyFormat::json;
    if (!format) continue;
    int q = quality(end == std::string_view::npos ? std::string_view{} : element.substr(end + 1));
    if (q > best_quality) {
      best = format;
      best_quality = q;
    }
  }
  return best;
}

}  // namespace sallyport::http
