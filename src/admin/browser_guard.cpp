#include "admin/browser_guard.h"

#include <algorithm>
#include <array>

#include "base/ip_address.h"
#include "base/text.h"

namespace sallyport::admin {
namespace {

std::string_view header(const http::BufferedRequest& request, std::string_view wanted) {
  for (const auto& [name, value] : request.headers) {
    if (text::equals_ignore_case(name, wanted)) return value;
  }
  return {};
}

// What browsers cannot leave out: Origin in what other sites' pages send, Sec-Fetch-Site since 2023
// in everything, and the name by which every one of them goes.
bool is_browser(const http::BufferedRequest& request) {
  return !header(request, "origin").empty() || !header(request, "sec-fetch-site").empty() ||
         header(request, "user-agent").starts_with("Mozilla/");
}

// Nobody on the way has put the name there for a client elsewhere.
bool comes_from_this_machine(const http::BufferedRequest& request) {
  auto address = IpAddress::parse(request.client_ip);
  if (!address || !address->is_loopback()) return false;
  return std::ranges::none_of(std::array{"x-forwarded-for", "forwarded", "via"},
                              [&](const char* name) { return !header(request, name).empty(); });
}

}  // namespace

std::optional<Answer> refuse_foreign_page(const http::BufferedRequest& request,
                                          const OwnPages& pages) {
  std::string_view origin = header(request, "origin");
  std::string_view host = header(request, "host");
  if (!is_browser(request)) {
    if (!pages.only_local || !comes_from_this_machine(request) ||
        pages.may_be_called_locally(host)) {
      return std::nullopt;
    }
    return message_answer(403,
                          "The Admin API of this machine may not be used under this name. Use the "
                          "address or localhost, set admin_gui_url, or admin_allow_insecure = on");
  }
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
