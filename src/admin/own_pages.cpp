#include "admin/own_pages.h"

#include <algorithm>
#include <array>

#include "base/ip_address.h"
#include "base/text.h"

namespace sallyport::admin {
namespace {

std::string host_of(std::string_view text) {
  if (size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    text.remove_prefix(scheme + 3);
  }
  if (text.starts_with('[')) return text::lower(text.substr(1, text.find(']') - 1));
  return text::lower(text.substr(0, text.find(':')));
}

}  // namespace

bool OwnPages::has_name(const std::string& host) const {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  if (host == text::lower(hostname)) return true;
  return std::ranges::any_of(gui_origins,
                             [&](const std::string& origin) { return host_of(origin) == host; });
}

bool OwnPages::may_be_called(std::string_view host) const {
  return IpAddress::parse(host_of(host)).has_value() || has_name(host_of(host));
}

bool OwnPages::may_be_called_locally(std::string_view host) const {
  if (may_be_called(host)) return true;
  const std::string name = host_of(host);
  if (!name.contains('.')) return true;
  constexpr std::array<std::string_view, 6> kPrivate = {".internal", ".local",         ".home.arpa",
                                                        ".svc",      ".cluster.local", ".lan"};
  return std::ranges::any_of(kPrivate, [&](auto suffix) { return name.ends_with(suffix); });
}

bool OwnPages::include(std::string_view origin, std::string_view host) const {
  const std::string page = host_of(origin);
  auto address = IpAddress::parse(page);
  return page == host_of(host) || has_name(page) || (address && address->is_loopback());
}

std::vector<std::string> origins_of(std::span<const std::string> urls) {
  std::vector<std::string> origins;
  for (const std::string& url : urls) {
    const size_t host = url.find("://");
    if (host == std::string::npos) continue;
    std::string origin = text::lower(url.substr(0, url.find_first_of("/?#", host + 3)));
    const std::string_view standard = origin.starts_with("https:") ? ":443" : ":80";
    if (origin.ends_with(standard)) origin.resize(origin.size() - standard.size());
    origins.push_back(std::move(origin));
  }
  return origins;
}

}  // namespace sallyport::admin
