#include "admin/entity_writer.h"

#include <chrono>

#include "admin/fault_answers.h"
#include "base/json.h"
#include "base/uuid.h"
#include "model/complete.h"
#include "model/schemas.h"
#include "model/validate.h"

namespace sallyport::admin {
namespace {

using model::EntitySchema;
using model::Field;
using model::FieldType;

double now() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

// The faults of both, the first named ones before the others.
Json joined_faults(Json first, const Json& second) {
  if (first.is_null()) return second;
  for (const auto& [key, fault] : second.items()) {
    if (!first.contains(key)) first[key] = fault;
  }
  return first;
}

Json complete_and_check(const EntitySchema& entity, Json& input) {
  Json shorthand_faults = model::expand_shorthands(entity, input);
  input = model::complete(entity, input, now());
  return joined_faults(std::move(shorthand_faults), model::validate(entity, input));
}

}  // namespace

Json EntityWriter::check(const EntitySchema& entity, Json input) {
  return complete_and_check(entity, input);
}

std::expected<Json, Answer> EntityWriter::create(const EntitySchema& entity, Json input) {
  if (auto resolved = resolve_references(entity, input); !resolved) {
    return std::unexpected(resolved.error());
  }
  Json faults = complete_and_check(entity, input);
  if (!faults.is_null()) return std::unexpected(schema_violation(faults));
  auto stored = store_.insert(entity, input);
  if (!stored) return std::unexpected(store_fault(entity, &input, stored.error()));
  return model::shown_row(entity, *std::move(stored));
}

std::expected<Json, Answer> EntityWriter::upsert(const EntitySchema& entity, Json input,
                                                 const std::optional<Json>& existing) {
  if (existing) {
    input["id"] = (*existing)["id"];
    bool given = input.contains("created_at") && !input["created_at"].is_null();
    if (!given && existing->contains("created_at")) input["created_at"] = (*existing)["created_at"];
  }
  if (auto resolved = resolve_references(entity, input); !resolved) {
    return std::unexpected(resolved.error());
  }
  Json faults = complete_and_check(entity, input);
  if (!faults.is_null()) return std::unexpected(schema_violation(faults));
  auto stored = store_.upsert(entity, input);
  if (!stored) return std::unexpected(store_fault(entity, &input, stored.error()));
  return model::shown_row(entity, *std::move(stored));
}

std::expected<std::optional<Json>, Answer> EntityWriter::update(const EntitySchema& entity,
                                                                const Json& existing, Json patch) {
  if (auto resolved = resolve_references(entity, patch); !resolved) {
    return std::unexpected(resolved.error());
  }
  Json faults = model::expand_shorthands(entity, patch);
  if (patch.contains("id") && patch["id"] != existing["id"]) {
    if (faults.is_null()) faults = Json::object();
    faults["id"] = "immutable field cannot be updated";
  }
  Json row = model::complete(entity, model::merge(entity, existing, patch), now());
  faults = joined_faults(std::move(faults), model::validate_update(entity, patch, row));
  if (!faults.is_null()) return std::unexpected(schema_violation(faults));
  auto stored = store_.update(entity, row);
  if (!stored) return std::unexpected(store_fault(entity, &row, stored.error()));
  if (!*stored) return std::optional<Json>();
  return model::shown_row(entity, **std::move(stored));
}

std::expected<void, Answer> EntityWriter::resolve_references(const EntitySchema& entity,
                                                             Json& input) {
  for (const Field& field : entity.fields) {
    if (field.type != FieldType::foreign || !input.contains(field.name)) continue;
    Json& reference = input[field.name];
    if (!reference.is_object()) continue;
    if (auto done = resolve(field, reference); !done) return done;
  }
  return {};
}

std::expected<void, Answer> EntityWriter::resolve(const Field& field, Json& reference) {
  const EntitySchema* target = model::find_entity(field.reference);
  auto id = reference.find("id");
  if (target == nullptr || (id != reference.end() && !id->is_null())) return {};
  for (const Field& unique : target->fields) {
    if (!unique.unique || !reference.contains(unique.name)) continue;
    const Json& value = reference[unique.name];
    if (!value.is_string() || !model::validate_value(unique, value).is_null()) continue;
    auto found = store_.find(*target, unique.name, value.get<std::string>());
    if (!found) return std::unexpected(store_fault(*target, nullptr, found.error()));
    if (!*found) {
      return std::unexpected(
          unresolved_reference(field.name, unique.name, value.get<std::string>(), target->name));
    }
    reference = Json{{"id", (**found)["id"]}};
    return {};
  }
  return {};
}

}  // namespace sallyport::admin
