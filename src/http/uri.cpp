#include "http/uri.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "http/character.h"

namespace sallyport::http {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";

// What may stand in a path as it is: pchar, '/', and the reserved characters that Kong lets pass.
constexpr std::array<bool, 256> make_plain_table() {
  std::array<bool, 256> table{};
  for (int c = 0; c < 128; ++c) {
    char byte = static_cast<char>(c);
    table[static_cast<size_t>(c)] =
        is(byte, kUnreserved) ||
        (c != 0 && std::string_view("!#$&'()*+,/:;=?@[]").find(byte) != std::string_view::npos);
  }
  return table;
}
constexpr std::array<bool, 256> kPlain = make_plain_table();

bool plain(char c) {
  return kPlain[static_cast<uint8_t>(c)];
}

// What decode_path() decodes: its escapes stand for nothing but the byte itself, and it can be
// written into a header field.
bool escaped_in_normal(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return !plain(c) && c != '%' && byte >= 0x20 && byte != 0x7f;
}

char* put_escape(char* out, uint8_t byte) {
  *out++ = '%';
  *out++ = kHexDigits[byte >> 4];
  *out++ = kHexDigits[byte & 15];
  return out;
}

// True when a segment that begins behind the '/' at `slash` is empty, "." or "..", with or without
// parameters.
bool special_segment(std::string_view path, size_t slash) {
  size_t i = slash + 1;
  if (i >= path.size()) return false;
  if (path[i] == '/' || path[i] == ';') return true;
  if (path[i] != '.') return false;
  ++i;
  if (i < path.size() && path[i] == '.') ++i;
  return i == path.size() || path[i] == '/' || path[i] == ';';
}

// Whether a server behind us may read `segment` as a step up or as several segments with such a
// step among them: "..;x" (servlet containers take parameters off first), "..%2Fx", "x%5C..".
bool hides_steps(std::string_view segment) {
  while (!segment.empty()) {
    size_t end = 0;
    auto separator = [&] {
      const std::string_view rest = segment.substr(end);
      return rest.starts_with("%2F") || rest.starts_with("%5C");
    };
    while (end < segment.size() && !separator()) ++end;
    const bool divided = end < segment.size();
    const std::string_view piece = segment.substr(0, end);
    const std::string_view name = piece.substr(0, piece.find(';'));
    if (name == ".." || name == ".") return true;
    segment.remove_prefix(divided ? end + 3 : end);
  }
  return false;
}

bool is_normal(std::string_view path) {
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '/') {
      if (special_segment(path, i)) return false;
    } else if (!plain(path[i])) {
      return false;
    }
  }
  return true;
}

// Settles the spelling of every character. False on a broken escape and on NUL.
bool respell(std::string_view path, char*& out) {
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '\0') return false;
    if (c != '%') {
      if (plain(c)) {
        *out++ = c;
      } else {
        out = put_escape(out, static_cast<uint8_t>(c));
      }
      continue;
    }
    int high = i + 1 < path.size() ? hex_value(path[i + 1]) : -1;
    int low = i + 2 < path.size() ? hex_value(path[i + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0) return false;
    auto byte = static_cast<uint8_t>(high * 16 + low);
    if (is(static_cast<char>(byte), kUnreserved)) {
      *out++ = static_cast<char>(byte);
    } else {
      out = put_escape(out, byte);
    }
    i += 2;
  }
  return true;
}

// Resolves special segments of `path`, which begins with '/', in place; returns the new length, 0
// for a path that hides some ("/;x/" is "//" to a servlet container), or climbs where that is
// refused.
size_t resolve_segments(std::span<char> path, Climbing climbing) {
  size_t out = 0;  // path[0, out) is done and holds no special segment
  size_t i = 0;
  while (i < path.size()) {
    // At a '/': the segment is path[i + 1, end).
    size_t end = i + 1;
    while (end < path.size() && path[end] != '/') ++end;
    std::string_view segment(path.data() + i + 1, end - i - 1);
    bool last = end == path.size();
    // Asked before anything moves: `segment` lies in what is moved.
    const bool ends_in_slash = last && (segment.empty() || segment == "." || segment == "..");
    if (segment == "..") {
      if (out == 0 && climbing == Climbing::refused) return 0;
      while (out > 0) {
        --out;
        if (path[out] == '/') break;
      }
    } else if (!segment.empty() && segment != ".") {
      if (hides_steps(segment) || (segment.front() == ';' && !last)) return 0;
      std::memmove(path.data() + out, path.data() + i, end - i);
      out += end - i;
    }
    if (ends_in_slash) path[out++] = '/';
    i = end;
  }
  return out;
}

}  // namespace

std::optional<std::string_view> normalize_path(std::string_view path, std::span<char> buffer,
                                               Climbing climbing) {
  if (path.empty()) return "/";
  if (path == "*") return path;
  if (path.front() != '/') return std::nullopt;
  if (is_normal(path)) return path;
  if (buffer.size() < normalized_room(path.size())) return std::nullopt;
  char* end = buffer.data();
  if (!respell(path, end)) return std::nullopt;
  size_t size = resolve_segments({buffer.data(), end}, climbing);
  if (size == 0) return std::nullopt;
  return std::string_view(buffer.data(), size);
}

std::optional<std::string> normalized_path(std::string_view path) {
  if (auto normal = normalize_path(path, {}, Climbing::stays)) return std::string(*normal);
  std::string buffer(normalized_room(path.size()), '\0');
  auto normal = normalize_path(path, buffer, Climbing::stays);
  if (!normal) return std::nullopt;
  return std::string(*normal);
}

std::string_view decode_path(std::string_view normal, std::span<char> buffer) {
  if (normal.find('%') == normal.npos) return normal;
  char* out = buffer.data();
  for (size_t i = 0; i < normal.size(); ++i) {
    if (normal[i] == '%') {
      const auto byte = static_cast<char>(hex_value(normal[i + 1]) * 16 + hex_value(normal[i + 2]));
      if (escaped_in_normal(byte)) {
        *out++ = byte;
        i += 2;
        continue;
      }
    }
    *out++ = normal[i];
  }
  return {buffer.data(), out};
}

std::string decoded_path(std::string_view normal) {
  std::string buffer(normal.size(), '\0');
  return std::string(decode_path(normal, buffer));
}

size_t normal_size(std::string_view decoded) {
  size_t size = decoded.size();
  for (const char c : decoded) size += escaped_in_normal(c) ? 2 : 0;
  return size;
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out(3 * text.size(), '\0');
  char* end = out.data();
  for (char c : text) {
    if (is(c, kUnreserved)) {
      *end++ = c;
    } else {
      end = put_escape(end, static_cast<uint8_t>(c));
    }
  }
  out.resize(static_cast<size_t>(end - out.data()));
  return out;
}

}  // namespace sallyport::http
