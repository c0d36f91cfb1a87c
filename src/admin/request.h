// One request to the Admin API, taken apart. Views into the BufferedRequest that it was made of.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/answer.h"
#include "http/form.h"
#include "http/message.h"

namespace sallyport::admin {

struct Request {
  const http::BufferedRequest& raw;
  std::string method;                 // "GET" for HEAD too
  std::string path;                   // as received, without the query and a trailing slash
  std::vector<std::string> segments;  // of the path, percent-decoded
  std::vector<http::FormField> query;

  // Of a header, the first; nothing when absent.
  std::optional<std::string_view> header(std::string_view name) const;
  // Of the query, the last one given.
  std::optional<std::string_view> argument(std::string_view name) const;

  // Or the answer that refuses it: more than 1000 query arguments.
  static std::expected<Request, Answer> parse(const http::BufferedRequest& raw);
};

}  // namespace sallyport::admin
