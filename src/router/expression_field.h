// What expressions can ask a request about: Kong's fields, each with its type and the argument that
// its name carries ("http.headers.x_foo"). Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::router {

enum class FieldKind : uint8_t {
  protocol,
  sni,
  method,
  host,
  path,
  segments,
  segment_count,
  header,
  query,
  source_ip,
  source_port,
  destination_ip,
  destination_port,
};

enum class ValueType : uint8_t { string, integer, ip };

// Kong's two subsystems: http(s) and grpc(s) routes, and the others.
enum class Subsystem : uint8_t { http, stream };

struct ExpressionField {
  FieldKind kind = FieldKind::path;
  std::string name;    // of a header (lower case, '-' for '_') or query argument
  uint32_t first = 0;  // segments, from 0
  uint32_t last = 0;   // the same for one segment

  ValueType type() const;
  bool many() const { return kind == FieldKind::header || kind == FieldKind::query; }
  bool operator==(const ExpressionField&) const = default;
};

// Nothing for a name that the subsystem does not have.
std::optional<ExpressionField> parse_field(std::string_view name, Subsystem subsystem);

}  // namespace sallyport::router
