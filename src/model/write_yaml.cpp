#include "base/json.h"
#include "model/declarative_document.h"
#include "model/yaml_scalar.h"

namespace sallyport::model {
namespace {

bool block(const Json& value) {
  return value.is_structured() && !value.empty();
}

std::string flow(const Json& value) {
  if (value.is_object()) return "{}";
  if (value.is_array()) return "[]";
  return yaml_text(value);
}

// An implicit key has at most 1,024 characters (YAML 1.2, 7.4.3); one that is longer is written
// with a question mark. Bytes are counted: no fewer than characters.
constexpr size_t longest_implicit_key = 1000;

void write(std::string& out, const Json& value, size_t indent);

void write_list(std::string& out, const Json& list, size_t indent) {
  for (const Json& value : list) {
    out.append(indent, ' ').append("- ");
    if (!block(value)) {
      out.append(flow(value)).append("\n");
      continue;
    }
    // The first line of a nested block stands behind the dash.
    size_t begin = out.size();
    write(out, value, indent + 2);
    out.erase(begin, indent + 2);
  }
}

void write_map(std::string& out, const Json& map, size_t indent) {
  for (const auto& [key, value] : map.items()) {
    std::string name = yaml_text(key);
    bool explicit_key = name.size() > longest_implicit_key;
    out.append(indent, ' ');
    if (explicit_key) {
      out.append("? ").append(name).append("\n").append(indent, ' ').append(":");
    } else {
      out.append(name).append(":");
    }
    if (!block(value)) {
      out.append(" ").append(flow(value)).append("\n");
      continue;
    }
    out.append("\n");
    write(out, value, value.is_array() && !explicit_key ? indent : indent + 2);
  }
}

void write(std::string& out, const Json& value, size_t indent) {
  if (value.is_object()) {
    write_map(out, value, indent);
  } else {
    write_list(out, value, indent);
  }
}

}  // namespace

std::string write_yaml(const Json& value) {
  if (!block(value)) return flow(value) + "\n";
  std::string out;
  write(out, value, 0);
  return out;
}

}  // namespace sallyport::model
