#include "admin/endpoints.h"

#include <algorithm>

#include "base/text.h"

namespace sallyport::admin {
namespace {

bool is_name(std::string_view segment) {
  return segment.starts_with('{');
}

// How many of the first segments are literal: the more, the better the match.
bool fits(const Endpoint& endpoint, Keys segments) {
  if (endpoint.segments.size() != segments.size()) return false;
  for (size_t i = 0; i < segments.size(); ++i) {
    bool fine =
        is_name(endpoint.segments[i]) ? !segments[i].empty() : endpoint.segments[i] == segments[i];
    if (!fine) return false;
  }
  return true;
}

// True when `a` has a literal where `b` has its first differing name.
bool more_literal(const Endpoint& a, const Endpoint& b) {
  for (size_t i = 0; i < a.segments.size(); ++i) {
    bool name_a = is_name(a.segments[i]), name_b = is_name(b.segments[i]);
    if (name_a != name_b) return name_b;
  }
  return false;
}

}  // namespace

std::string Endpoint::allow() const {
  std::vector<std::string> words = {"OPTIONS"};
  for (const auto& [method, handler] : methods) {
    words.push_back(method);
    if (method == "GET") words.emplace_back("HEAD");
  }
  std::ranges::sort(words);
  return text::join(words, ", ");
}

void Endpoints::add(std::string pattern, std::string method, Handler handler) {
  auto known = std::ranges::find(endpoints_, pattern, &Endpoint::pattern);
  if (known != endpoints_.end()) {
    known->methods[std::move(method)] = std::move(handler);
    return;
  }
  Endpoint endpoint{.pattern = std::move(pattern), .segments = {}, .methods = {}};
  if (endpoint.pattern != "/") {
    for (std::string_view part : text::split(endpoint.pattern.substr(1), '/')) {
      endpoint.segments.emplace_back(part);
    }
  }
  endpoint.methods[std::move(method)] = std::move(handler);
  endpoints_.push_back(std::move(endpoint));
}

const Endpoint* Endpoints::find(Keys segments, std::vector<std::string>& keys) const {
  const Endpoint* best = nullptr;
  for (const Endpoint& endpoint : endpoints_) {
    if (!fits(endpoint, segments)) continue;
    if (best == nullptr || more_literal(endpoint, *best)) best = &endpoint;
  }
  if (best == nullptr) return nullptr;
  for (size_t i = 0; i < segments.size(); ++i) {
    if (is_name(best->segments[i])) keys.push_back(segments[i]);
  }
  return best;
}

}  // namespace sallyport::admin
