#include "admin/response_headers.h"

#include <algorithm>

#include "base/text.h"
#include "base/version.h"

namespace sallyport::admin {
namespace {

std::string allowed_origin(const http::BufferedRequest& request,
                           std::span<const std::string> gui_origins) {
  if (gui_origins.empty()) return "*";
  for (const auto& [name, value] : request.headers) {
    if (!text::equals_ignore_case(name, "origin")) continue;
    if (std::ranges::find(gui_origins, value) != gui_origins.end()) return value;
  }
  return gui_origins.front();
}

}  // namespace

http::BufferedResponse with_headers(Answer answer, const http::BufferedRequest& request,
                                    std::span<const std::string> gui_origins, TimePoint began) {
  http::BufferedResponse response;
  response.status = answer.status;
  response.body = std::move(answer.body);
  auto add = [&](std::string name, std::string value) {
    response.headers.emplace_back(std::move(name), std::move(value));
  };
  if (!response.body.empty()) add("Content-Type", "application/json; charset=utf-8");
  add("Access-Control-Allow-Origin", allowed_origin(request, gui_origins));
  add("Access-Control-Allow-Credentials", "true");
  if (!gui_origins.empty()) add("Vary", "Origin");
  for (auto& [name, value] : answer.headers) add(std::move(name), std::move(value));
  auto spent = std::chrono::duration_cast<Milliseconds>(Clock::now() - began);
  add("X-Kong-Admin-Latency", std::to_string(spent.count()));
  add("Server", std::string(kServerToken));
  return response;
}

}  // namespace sallyport::admin
