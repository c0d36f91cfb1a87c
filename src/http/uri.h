// Paths as the router and upstreams see them, and percent-encoding (RFC 3986). Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sallyport::http {

// Room that normalize_path() may need: an illegal byte becomes three.
constexpr size_t normalized_room(size_t path_size) {
  return 3 * path_size + 1;
}

// The one spelling of a path (without query) that upstreams receive, and that tells what a path is:
// escapes of unreserved characters decoded, other escapes in upper case, bytes that may not stand
// in a path escaped, "." and ".." segments resolved, runs of '/' merged. "" is "/", and "*" stays.
// Returns `path` itself when it is normal already, else a view into `buffer`.
// Nothing for a broken escape ("%2"), a NUL, escaped or not, a path that does not begin with '/',
// one whose dot segments hide from us but not from every server ("/a/..%2Fb", "/a/..;/b",
// "/a\\..\\b"), and a buffer smaller than normalized_room().
// A step above the root is none with Climbing::stays, a reason for nothing with Climbing::refused.
enum class Climbing : uint8_t { stays, refused };
std::optional<std::string_view> normalize_path(std::string_view path, std::span<char> buffer,
                                               Climbing climbing);

// The same with its own memory and Climbing::stays: for routes, when the snapshot is built.
std::optional<std::string> normalized_path(std::string_view path);

// The spelling of a normal path that routes are compared with, as Kong does it: escapes decoded,
// but for those of reserved characters (RFC 3986 section 2.2), '%' and controls. Returns `normal`
// itself when it has no others, else a view into `buffer`, which has at least its size.
std::string_view decode_path(std::string_view normal, std::span<char> buffer);
// The same with its own memory.
std::string decoded_path(std::string_view normal);
// How many bytes `decoded`, from decode_path(), has in the normal spelling.
size_t normal_size(std::string_view decoded);

// Decodes all escapes; with `plus_is_space` also '+', as in forms. Broken escapes stay as they are.
std::string percent_decode(std::string_view text, bool plus_is_space = false);

// Escapes everything but unreserved characters.
std::string percent_encode(std::string_view text);

}  // namespace sallyport::http
