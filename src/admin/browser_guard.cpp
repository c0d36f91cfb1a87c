#include "admin/browser_guard.h"

#include "base/text.h"

namespace sallyport::admin {
namespace {

std::string_view header(const http::BufferedRequest& request, std::string_view wanted) {
  for (const auto& [name, value] : request.headers) {
    if (text::equals_ignore_case(name, wanted)) return value;
  }
  return {};
}

}  // namespace

std::optional<Answer> refuse_foreign_page(const http::BufferedRequest& request,
                                          const OwnPages& pages) {
  std::string_view origin = header(request, "origin");
  bool browser = !origin.empty() || !header(request, "sec-fetch-site").empty();
  if (!browser) return std::nullopt;
  std::string_view host = header(request, "host");
  if (!pages.may_be_called(host)) {
    return message_answer(403,
                          "A browser may not use the Admin API under this name. Use the address "
                          "or localhost, or set admin_gui_url");
  }
  bool reads = request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
  if (reads || origin.empty() || pages.include(origin, host)) return std::nullopt;
  return message_answer(403,
                        "A page of another site may not change anything here. Set admin_gui_url "
                        "to the address of your own page");
}

}  // namespace sallyport::admin
