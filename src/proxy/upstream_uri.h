// Which path an upstream is asked for: Kong's rules for joining a service's path with what is left
// of the request's. Pure; no allocation; any thread.
#pragma once

#include <string_view>

namespace sallyport::proxy {

// The path in up to three parts, to be written one after the other.
struct UpstreamPath {
  std::string_view base;
  std::string_view slash;  // "/" or ""
  std::string_view rest;

  size_t size() const { return base.size() + slash.size() + rest.size(); }
};

// `service_path` is "" or begins with '/'; `path` is the normalised request path; `matched` is how
// many bytes of it the route's path matched, 0 when the route has none. The parts are views into
// the arguments. (Kong's `path_handling = v0`.)
UpstreamPath join_path(std::string_view service_path, std::string_view path, size_t matched,
                       bool strip);

// The same for `path_handling = v1`: one after the other, without the slash that a path begins with
// unless it is what stripping leaves, and with one slash where there would be two.
UpstreamPath join_path_v1(std::string_view service_path, std::string_view path, size_t matched,
                          bool strip);

}  // namespace sallyport::proxy
