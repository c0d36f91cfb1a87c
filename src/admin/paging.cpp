#include "admin/paging.h"

#include <cmath>

#include <fmt/format.h>

#include "admin/fault_answers.h"
#include "base/json.h"
#include "base/text.h"
#include "http/uri.h"
#include "model/formats.h"

namespace sallyport::admin {
namespace {

constexpr int kMaxSize = 1000;

std::expected<int, Answer> read_size(std::string_view text) {
  auto number = text::to_number(text);
  if (!number) return std::unexpected(invalid_size("size must be a number"));
  if (*number < 1 || *number > kMaxSize || std::floor(*number) != *number) {
    return std::unexpected(
        invalid_size(fmt::format("size must be an integer between 1 and {}", kMaxSize)));
  }
  return static_cast<int>(*number);
}

std::expected<model::TagFilter, Answer> read_tags(std::string_view text) {
  if (text.empty()) return std::unexpected(invalid_option("tags", "cannot be null"));
  bool all = text.find(',') != std::string_view::npos;
  bool any = text.find('/') != std::string_view::npos;
  if (all && any) return std::unexpected(invalid_option("tags", "invalid filter syntax"));
  model::TagFilter filter{.tags = {}, .any = any};
  for (std::string_view tag : text::split(text, any ? '/' : ',')) {
    std::string fault = tag.empty() ? "invalid filter syntax" : model::formats::tag(tag);
    if (!fault.empty()) return std::unexpected(invalid_option("tags", fault));
    filter.tags.emplace_back(tag);
  }
  return filter;
}

}  // namespace

std::expected<model::PageQuery, Answer> read_page_query(const Request& request, bool with_tags) {
  model::PageQuery query;
  if (auto text = request.argument("size")) {
    auto size = read_size(*text);
    if (!size) return std::unexpected(std::move(size.error()));
    query.size = *size;
  }
  if (auto text = request.argument("offset")) query.offset = *text;
  if (auto text = request.argument("tags"); text && with_tags) {
    auto tags = read_tags(*text);
    if (!tags) return std::unexpected(std::move(tags.error()));
    query.tags = *std::move(tags);
  }
  return query;
}

Json page_json(const Request& request, const model::PageQuery& query, model::Page page) {
  Json out = {{"data", Json::array()}, {"next", nullptr}};
  for (Json& row : page.rows) out["data"].push_back(std::move(row));
  if (page.next_offset.empty()) return out;
  std::string next =
      fmt::format("{}?offset={}", request.path, http::percent_encode(page.next_offset));
  if (request.argument("size")) next += fmt::format("&size={}", query.size);
  if (!query.tags.tags.empty()) {
    next +=
        "&tags=" + http::percent_encode(text::join(query.tags.tags, query.tags.any ? "/" : ","));
  }
  out["next"] = std::move(next);
  out["offset"] = std::move(page.next_offset);
  return out;
}

}  // namespace sallyport::admin
