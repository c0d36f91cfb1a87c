#include "admin/request.h"

#include "base/text.h"
#include "http/uri.h"

namespace sallyport::admin {

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const auto& [key, value] : raw.headers) {
    if (text::equals_ignore_case(key, name)) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Request::argument(std::string_view name) const {
  for (auto field = query.rbegin(); field != query.rend(); ++field) {
    if (field->name == name) return field->value;
  }
  return std::nullopt;
}

std::expected<Request, Answer> Request::parse(const http::BufferedRequest& raw) {
  Request request{raw, raw.method == "HEAD" ? "GET" : raw.method, {}, {}, {}};
  std::string_view target = raw.target;
  size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  request.path = path;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (!path.empty()) {
    for (std::string_view segment : text::split(path, '/')) {
      request.segments.push_back(http::percent_decode(segment));
    }
  }
  if (question == std::string_view::npos) return request;
  auto query = http::decode_form(target.substr(question + 1));
  if (!query) return std::unexpected(message_answer(400, "Too many arguments"));
  request.query = *std::move(query);
  return request;
}

}  // namespace sallyport::admin
