#include "proxy/upstream_uri.h"

#include <algorithm>

namespace sallyport::proxy {
namespace {

// A route's path may end inside a segment: of "/route../x" it leaves "../x" behind, which must not
// climb out of the service's path.
std::string_view without_dots(std::string_view rest) {
  for (const std::string_view dots : {"..", "."}) {
    if (!rest.starts_with(dots)) continue;
    const std::string_view behind = rest.substr(dots.size());
    // What some servers take for the end of a segment counts too, as in http/uri.h.
    if (behind.empty() || behind.front() == '/' || behind.front() == ';' ||
        behind.starts_with("%2F") || behind.starts_with("%5C")) {
      return behind;
    }
  }
  return rest;
}

UpstreamPath join_stripped(std::string_view base, std::string_view path, std::string_view rest) {
  const bool request_ends_in_slash = path.ends_with('/');
  if (base.ends_with('/')) {
    if (rest.empty()) {
      if (base == "/" || request_ends_in_slash) return {base, "", ""};
      base.remove_suffix(1);
      return {base, "", ""};
    }
    if (rest.front() == '/') rest.remove_prefix(1);
    return {base, "", rest};
  }
  if (rest.empty()) return {base, path.size() > 1 && request_ends_in_slash ? "/" : "", ""};
  return {base, rest.front() == '/' ? "" : "/", rest};
}

}  // namespace

UpstreamPath join_path(std::string_view service_path, std::string_view path, size_t matched,
                       bool strip) {
  const std::string_view base = service_path.empty() ? "/" : service_path;
  // A route without paths takes what "/" would take.
  if (matched == 0 && path.starts_with('/')) matched = 1;
  if (strip) return join_stripped(base, path, without_dots(path.substr(matched)));
  if (base.ends_with('/')) return {base, "", path.substr(path.starts_with('/') ? 1 : 0)};
  if (path == "/") return {base, "", ""};
  return {base, "", path};
}

UpstreamPath join_path_v1(std::string_view service_path, std::string_view path, size_t matched,
                          bool strip) {
  const std::string_view base = service_path.empty() ? "/" : service_path;
  // The slash that a path begins with is never its own: not stripping leaves the rest of it.
  const size_t root = path.starts_with('/') ? 1 : 0;
  std::string_view rest = path.substr(root);
  if (strip) rest = without_dots(path.substr(std::max(matched, root)));
  if (base.ends_with('/') && rest.starts_with('/')) rest.remove_prefix(1);
  return {base, "", rest};
}

}  // namespace sallyport::proxy
