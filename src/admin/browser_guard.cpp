#include "admin/browser_guard.h"

#include <algorithm>

#include "base/text.h"
#include "model/formats.h"

namespace sallyport::admin {
namespace {

std::string_view header(const http::BufferedRequest& request, std::string_view wanted) {
  for (const auto& [name, value] : request.headers) {
    if (text::equals_ignore_case(name, wanted)) return value;
  }
  return {};
}

// The host of "host:port", "[::1]:8001" or "https://host:port".
std::string host_of(std::string_view text) {
  if (size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    text.remove_prefix(scheme + 3);
  }
  if (text.starts_with('[')) return text::lower(text.substr(1, text.find(']') - 1));
  return text::lower(text.substr(0, text.find(':')));
}

bool trusted(const std::string& host, std::span<const std::string> gui_origins,
             const std::string& hostname) {
  if (model::formats::is_ipv4(host) || model::formats::is_ipv6(host)) return true;
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  if (host == text::lower(hostname)) return true;
  return std::ranges::any_of(gui_origins,
                             [&](const std::string& origin) { return host_of(origin) == host; });
}

}  // namespace

std::optional<Answer> refuse_foreign_page(const http::BufferedRequest& request,
                                          std::span<const std::string> gui_origins,
                                          const std::string& hostname) {
  std::string_view origin = header(request, "origin");
  bool browser = !origin.empty() || !header(request, "sec-fetch-site").empty();
  if (!browser) return std::nullopt;
  if (!trusted(host_of(header(request, "host")), gui_origins, hostname)) {
    return message_answer(403,
                          "A browser may not use the Admin API under this name. Use the address "
                          "or localhost, or set admin_gui_url");
  }
  bool reads = request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
  if (reads || origin.empty() || trusted(host_of(origin), gui_origins, hostname)) {
    return std::nullopt;
  }
  return message_answer(403,
                        "A page of another site may not change anything here. Set admin_gui_url "
                        "to the address of your own page");
}

}  // namespace sallyport::admin
