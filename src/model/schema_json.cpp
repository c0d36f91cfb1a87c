#include "model/schema_json.h"

#include "base/json.h"

namespace sallyport::model {
namespace {

Json field_json(const Field& field);

void add_flags(const Field& field, Json& out) {
  if (field.required) out["required"] = true;
  if (field.unique) out["unique"] = true;
  if (field.unique_across_ws) out["unique_across_ws"] = true;
  if (field.automatic) out["auto"] = true;
  if (field.uuid) out["uuid"] = true;
  if (field.timestamp) out["timestamp"] = true;
  if (field.transient) out["transient"] = true;
  if (field.abstract) out["abstract"] = true;
  if (field.encrypted) out["encrypted"] = true;
  if (field.referenceable) out["referenceable"] = true;
  if (field.immutable) out["immutable"] = true;
}

void add_parts(const Field& field, Json& out) {
  switch (field.type) {
    case FieldType::array:
    case FieldType::set:
      out["elements"] = field_json(field.elements());
      break;
    case FieldType::map:
      out["keys"] = field_json(field.keys());
      out["values"] = field_json(field.values());
      break;
    case FieldType::foreign:
      out["reference"] = field.reference;
      if (field.on_delete == OnDelete::cascade) out["on_delete"] = "cascade";
      if (field.on_delete == OnDelete::set_null) out["on_delete"] = "null";
      break;
    case FieldType::record:
      if (!field.abstract) out.update(schema_json(*field.shape));
      break;
    default:
      break;
  }
}

Json field_json(const Field& field) {
  Json out = {{"type", name(field.type)}};
  add_flags(field, out);
  if (field.defaults.has_value()) out["default"] = field.defaults.value();
  for (const Rule& rule : field.rules) {
    if (rule.argument.has_value()) out[std::string(rule.name)] = rule.argument.value();
  }
  if (!field.err.empty()) out["err"] = field.err;
  if (field.deprecation.has_value()) out["deprecation"] = field.deprecation.value();
  if (!field.description.empty()) out["description"] = field.description;
  add_parts(field, out);
  return out;
}

}  // namespace

Json schema_json(const Shape& shape) {
  Json fields = Json::array();
  for (const Field& field : shape.fields) {
    Json entry = Json::object();
    entry[field.name] = field_json(field);
    fields.push_back(std::move(entry));
  }
  Json out = {{"fields", std::move(fields)}};
  Json checks = Json::array();
  for (const EntityCheck& check : shape.checks) {
    Json entry = Json::object();
    entry[std::string(check.name)] = check.argument.has_value() ? check.argument.value() : Json();
    checks.push_back(std::move(entry));
  }
  if (!checks.empty()) out["entity_checks"] = std::move(checks);
  if (shape.shorthands.empty()) return out;
  Json shorthands = Json::array();
  for (const Shorthand& shorthand : shape.shorthands) {
    Json entry = Json::object();
    entry[shorthand.field.name] = field_json(shorthand.field);
    shorthands.push_back(std::move(entry));
  }
  out["shorthand_fields"] = std::move(shorthands);
  return out;
}

}  // namespace sallyport::model
