#include "admin/request_body.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "admin/form_json.h"
#include "base/json.h"
#include "base/text.h"
#include "model/infer.h"

namespace sallyport::admin {
namespace {

constexpr size_t kMaxMembers = 1'000;

// True when some object of the text has more members than any entity needs. Members are found by
// linear search, so that a hostile body would cost quadratic time.
bool too_many_members(std::string_view text) {
  constexpr size_t kList = SIZE_MAX;  // in place of a count: lists may be long
  std::vector<size_t> commas = {kList};
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (commas.size() > 200) return false;  // the parser refuses such depth
      commas.push_back(c == '{' ? 0 : kList);
    } else if ((c == '}' || c == ']') && commas.size() > 1) {
      commas.pop_back();
    } else if (c == ',' && commas.back() != kList && ++commas.back() >= kMaxMembers) {
      return true;
    }
  }
  return false;
}

std::unexpected<Answer> refuse(int status, std::string_view message) {
  return std::unexpected(message_answer(status, message));
}

std::expected<Json, Answer> read_json(std::string_view body) {
  if (too_many_members(body)) return refuse(400, "Too many arguments");
  Json value = parse_json(body);
  if (value.is_discarded() || !value.is_object()) return refuse(400, "Cannot parse JSON body");
  return value;
}

std::expected<Json, Answer> typed(std::span<const http::FormField> fields,
                                  const model::EntitySchema* entity) {
  Json form = form_json(fields);
  return entity == nullptr ? form : model::infer_types(*entity, form);
}

}  // namespace

std::optional<Answer> refuse_coding(const Request& request) {
  std::string_view coding = request.header("content-encoding").value_or("");
  if (coding.empty() || text::equals_ignore_case(coding, "identity")) return std::nullopt;
  return message_answer(415, "Unsupported Content-Encoding: send the body as it is");
}

std::expected<Json, Answer> read_body(const Request& request, const model::EntitySchema* entity) {
  const std::string& body = request.raw.body;
  auto type = request.header("content-type");
  auto same = [](const auto& header) {
    return text::equals_ignore_case(header.first, "content-type");
  };
  if (std::ranges::count_if(request.raw.headers, same) > 1) {
    return refuse(400, "The request has more than one Content-Type header");
  }
  if (!type && body.empty()) return Json::object();
  if (auto refused = refuse_coding(request)) return std::unexpected(*std::move(refused));

  std::string word = type ? text::lower(text::trim(type->substr(0, type->find(';')))) : "";
  if (word == "application/json") return read_json(body);
  if (word == "application/x-www-form-urlencoded") {
    auto fields = http::decode_form(body);
    if (!fields) return refuse(400, "Too many arguments");
    return typed(*fields, entity);
  }
  if (word == "multipart/form-data") {
    if (body.empty()) return Json::object();
    auto boundary = http::multipart_boundary(*type);
    if (!boundary) return refuse(400, "The Content-Type of a multipart body needs a boundary");
    auto fields = http::decode_multipart(body, *boundary);
    if (!fields) return refuse(400, "Cannot parse multipart body, or it has over 1000 parts");
    return typed(*fields, entity);
  }
  return refuse(415,
                "Unsupported Media Type: send application/json, "
                "application/x-www-form-urlencoded or multipart/form-data");
}

}  // namespace sallyport::admin
