#include "admin/access_gate.h"

#include <atomic>

#include "admin/response_headers.h"
#include "base/log.h"
#include "base/text.h"

namespace sallyport::admin {
namespace {

// At most one line a second: whoever knocks cannot fill the disk.
void tell(const http::BufferedRequest& request, bool had_token) {
  static std::atomic<int64_t> last{0};
  const int64_t now = unix_seconds();
  if (last.exchange(now) == now) return;
  log::warn("the Admin API refused {} {}", request.client_ip,
            had_token ? "an access token that it does not know" : "a request without access token");
}

std::string_view bearer(std::string_view value) {
  constexpr std::string_view kScheme = "bearer ";
  if (!text::equals_ignore_case(value.substr(0, kScheme.size()), kScheme)) return {};
  return text::trim(value.substr(kScheme.size()));
}

}  // namespace

std::optional<http::BufferedResponse> AccessGate::refuse(
    const http::BufferedRequest& request) const {
  const TimePoint began = Clock::now();
  bool known = false, had_token = false, preflight = false;
  for (const auto& [name, value] : request.headers) {
    std::string_view token;
    if (text::equals_ignore_case(name, "authorization")) token = bearer(value);
    if (text::equals_ignore_case(name, "kong-admin-token")) token = value;
    if (text::equals_ignore_case(name, "access-control-request-method")) preflight = true;
    if (token.empty()) continue;
    had_token = true;
    known |= tokens_->know(token);
  }
  if (known || (preflight && request.method == "OPTIONS")) return std::nullopt;
  tell(request, had_token);
  Answer answer = message_answer(401, "Unauthorized");
  answer.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"admin\"");
  return with_headers(std::move(answer), request, pages_, began);
}

}  // namespace sallyport::admin
