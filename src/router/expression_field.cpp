#include "router/expression_field.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace sallyport::router {
namespace {

struct Known {
  std::string_view name;
  FieldKind kind;
  bool in_stream;
};

constexpr std::array kKnown = {
    Known{"net.protocol", FieldKind::protocol, true},
    Known{"tls.sni", FieldKind::sni, true},
    Known{"net.src.ip", FieldKind::source_ip, true},
    Known{"net.src.port", FieldKind::source_port, true},
    Known{"net.dst.ip", FieldKind::destination_ip, true},
    Known{"net.dst.port", FieldKind::destination_port, true},
    Known{"net.port", FieldKind::destination_port, false},  // what Kong called it formerly
    Known{"http.method", FieldKind::method, false},
    Known{"http.host", FieldKind::host, false},
    Known{"http.path", FieldKind::path, false},
    Known{"http.path.segments.len", FieldKind::segment_count, false},
};

// "3" or "0_2".
std::optional<ExpressionField> parse_segments(std::string_view text) {
  auto number = [](std::string_view digits) -> std::optional<uint32_t> {
    const bool sound = !digits.empty() && digits.size() <= 5 &&
                       std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (!sound) return std::nullopt;
    return static_cast<uint32_t>(*text::to_integer(digits));
  };
  const size_t split = text.find('_');
  const auto first = number(text.substr(0, split));
  const auto last = split == std::string_view::npos ? first : number(text.substr(split + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return ExpressionField{.kind = FieldKind::segments, .name = {}, .first = *first, .last = *last};
}

}  // namespace

ValueType ExpressionField::type() const {
  switch (kind) {
    case FieldKind::segment_count:
    case FieldKind::source_port:
    case FieldKind::destination_port:
      return ValueType::integer;
    case FieldKind::source_ip:
    case FieldKind::destination_ip:
      return ValueType::ip;
    default:
      return ValueType::string;
  }
}

std::optional<ExpressionField> parse_field(std::string_view name, Subsystem subsystem) {
  const auto* known = std::ranges::find(kKnown, name, &Known::name);
  if (known != kKnown.end()) {
    if (subsystem == Subsystem::stream && !known->in_stream) return std::nullopt;
    return ExpressionField{.kind = known->kind, .name = {}};
  }
  if (subsystem == Subsystem::stream) return std::nullopt;
  auto rest_after = [name](std::string_view start) {
    return name.starts_with(start) ? name.substr(start.size()) : std::string_view();
  };
  if (auto rest = rest_after("http.path.segments."); !rest.empty()) return parse_segments(rest);
  if (auto rest = rest_after("http.headers."); !rest.empty()) {
    ExpressionField field{.kind = FieldKind::header, .name = text::lower(rest)};
    std::ranges::replace(field.name, '_', '-');
    return field;
  }
  if (auto rest = rest_after("http.queries."); !rest.empty()) {
    return ExpressionField{.kind = FieldKind::query, .name = std::string(rest)};
  }
  return std::nullopt;
}

}  // namespace sallyport::router
