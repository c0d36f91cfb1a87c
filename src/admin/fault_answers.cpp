#include "admin/fault_answers.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/json.h"
#include "base/log.h"
#include "model/validate.h"

namespace sallyport::admin {
namespace {

using model::StoreFault;

Answer fault(int status, int code, std::string_view name, std::string_view message, Json fields) {
  return json_answer(
      status,
      Json{{"message", message}, {"name", name}, {"fields", std::move(fields)}, {"code", code}});
}

// The fields that a fault names, with the values that were to be written.
Json named_fields(const Json* row, const StoreFault& fault) {
  Json fields = Json::object();
  for (const auto& [name, text] : fault.fields) {
    bool known = row != nullptr && row->contains(name);
    fields[name] = known ? (*row)[name] : Json(text);
  }
  return fields;
}

Answer foreign_violation(const model::EntitySchema& entity, const Json* row,
                         const StoreFault& given) {
  std::string name = given.fields.empty() ? "" : given.fields.front().first;
  const model::Field* field = entity.find(name);
  Json key = row != nullptr && row->contains(name) ? (*row)[name] : Json(nullptr);
  std::string message =
      fmt::format("the foreign key '{}' does not reference an existing '{}' entity.", shown(key),
                  field == nullptr ? name : field->reference);
  return fault(400, 4, "foreign key violation", message, Json{{name, std::move(key)}});
}

Answer unavailable(const StoreFault& fault) {
  std::string_view what =
      fault.kind == StoreFault::Kind::undecided ? "the configuration database was lost while it "
                                                  "worked on the change, which may have been "
                                                  "carried out or not: "
      : fault.kind == StoreFault::Kind::read_only
          ? "the configuration database takes no writes, so nothing was changed: "
          : "the configuration database cannot be reached, so nothing was read or changed: ";
  return message_answer(503, fmt::format("{}{}. Traffic goes on with the configuration of the last "
                                         "contact; see GET /status",
                                         what, fault.error.text()));
}

}  // namespace

std::string shown(const Json& value) {
  if (!value.is_object()) return to_text(value);
  std::vector<std::string> parts;
  for (const auto& [key, part] : value.items()) parts.push_back(key + "=" + shown(part));
  std::ranges::sort(parts);
  std::string out = "{";
  for (const std::string& part : parts) out += (out.size() > 1 ? "," : "") + part;
  return out + "}";
}

Answer schema_violation(const Json& faults) {
  return fault(400, 2, "schema violation", model::fault_message(faults), faults);
}

Answer invalid_primary_key(std::string_view field, std::string_view text) {
  Json fields = Json::object();
  fields[std::string(field)] = text;
  std::string message = fmt::format("invalid primary key: '{}'", shown(fields));
  return fault(400, 1, "invalid primary key", message, std::move(fields));
}

Answer invalid_unique(std::string_view field, std::string_view text) {
  Json fields = Json::object();
  fields[std::string(field)] = text;
  return fault(400, 10, fmt::format("invalid unique {}", field), text, std::move(fields));
}

Answer invalid_size(std::string_view text) {
  return fault(400, 9, "invalid size", text, Json{{"size", text}});
}

Answer invalid_offset(std::string_view offset) {
  std::string text = fmt::format("'{}' is not a valid offset: bad base64 encoding", offset);
  return fault(400, 7, "invalid offset", text, Json{{"offset", text}});
}

Answer invalid_option(std::string_view option, std::string_view text) {
  Json options = Json::object();
  options[std::string(option)] = text;
  return json_answer(400, Json{{"message", fmt::format("invalid option ({}: {})", option, text)},
                               {"name", "invalid options"},
                               {"options", std::move(options)},
                               {"code", 11}});
}

Answer still_referenced(std::string_view kind, std::string_view id, std::string_view by_entity,
                        std::string_view by_id) {
  std::string text =
      fmt::format("{} {} is still referenced by {} (id = {})", kind, id, by_entity, by_id);
  return json_answer(400, Json{{"message", text}, {"name", "referenced by others"}, {"code", 19}});
}

Answer unresolved_reference(std::string_view field, std::string_view by, std::string_view value,
                            std::string_view entity) {
  Json key = Json::object();
  key[std::string(by)] = value;
  std::string text =
      fmt::format("the foreign key cannot be resolved with '{}' for an existing '{}' entity",
                  shown(key), entity);
  key[std::string(by)] = text;
  Json fields = Json::object();
  fields[std::string(field)] = std::move(key);
  return fault(400, 13, "foreign keys unresolved",
               fmt::format("foreign key unresolved ({}.{}: {})", field, by, text),
               std::move(fields));
}

Answer store_fault(const model::EntitySchema& entity, const Json* row, const StoreFault& given) {
  switch (given.kind) {
    case StoreFault::Kind::unique: {
      Json fields = named_fields(row, given);
      std::string message = fmt::format("UNIQUE violation detected on '{}'", shown(fields));
      return fault(409, 5, "unique constraint violation", message, std::move(fields));
    }
    case StoreFault::Kind::primary_key: {
      Json fields = named_fields(row, given);
      std::string message = fmt::format("primary key violation on key '{}'", shown(fields));
      return fault(400, 3, "primary key violation", message, std::move(fields));
    }
    case StoreFault::Kind::foreign:
      return foreign_violation(entity, row, given);
    case StoreFault::Kind::referenced:
      return fault(400, 4, "foreign key violation",
                   fmt::format("an existing '{}' entity references this '{}' entity", given.other,
                               entity.name),
                   Json{{"@referenced_by", given.other}});
    case StoreFault::Kind::bad_offset:
      return invalid_offset(given.error.detail);
    case StoreFault::Kind::unavailable:
    case StoreFault::Kind::read_only:
    case StoreFault::Kind::undecided:
      return unavailable(given);
    case StoreFault::Kind::unsupported:
      return json_answer(
          405,
          Json{{"message", given.error.detail}, {"name", "operation unsupported"}, {"code", 12}});
    case StoreFault::Kind::refused:
      break;
  }
  // The server's own words are for the log; a remedy is ours.
  log::error("admin: the database refused a request for '{}': {}", entity.name, given.error.text());
  if (given.error.remedy.empty()) return message_answer(500, "An unexpected error occurred");
  return fault(500, 8, "database error", given.error.remedy, Json::object());
}

}  // namespace sallyport::admin
