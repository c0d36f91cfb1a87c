#include "admin/response_headers.h"

#include <algorithm>

#include "base/text.h"
#include "base/version.h"

namespace sallyport::admin {
namespace {

std::string_view header(const http::BufferedRequest& request, std::string_view wanted) {
  for (const auto& [name, value] : request.headers) {
    if (text::equals_ignore_case(name, wanted)) return value;
  }
  return {};
}

// "" for nobody. "*" would let the pages of every site read what is configured here: it is said
// only to programs, which do not look at it.
std::string allowed_origin(const http::BufferedRequest& request, const OwnPages& pages) {
  std::string origin(header(request, "origin"));
  if (!pages.gui_origins.empty()) {
    bool known = std::ranges::find(pages.gui_origins, origin) != pages.gui_origins.end();
    return known ? origin : pages.gui_origins.front();
  }
  if (origin.empty()) return "*";
  return pages.include(origin, header(request, "host")) ? origin : "";
}

}  // namespace

http::BufferedResponse with_headers(Answer answer, const http::BufferedRequest& request,
                                    const OwnPages& pages, TimePoint began) {
  http::BufferedResponse response;
  response.status = answer.status;
  response.body = std::move(answer.body);
  auto add = [&](std::string name, std::string value) {
    response.headers.emplace_back(std::move(name), std::move(value));
  };
  const bool typed = std::ranges::any_of(
      answer.headers, [](const auto& header) { return header.first == "Content-Type"; });
  if (!response.body.empty() && !typed) add("Content-Type", "application/json; charset=utf-8");
  if (std::string origin = allowed_origin(request, pages); !origin.empty()) {
    add("Access-Control-Allow-Origin", std::move(origin));
    add("Access-Control-Allow-Credentials", "true");
  }
  add("Vary", "Origin");
  for (auto& [name, value] : answer.headers) add(std::move(name), std::move(value));
  auto spent = std::chrono::duration_cast<Milliseconds>(Clock::now() - began);
  add("X-Kong-Admin-Latency", std::to_string(spent.count()));
  add("Server", std::string(kServerToken));
  return response;
}

}  // namespace sallyport::admin
