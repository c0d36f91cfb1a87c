#include "admin/entity_writer.h"

#include <chrono>

#include "admin/fault_answers.h"
#include "base/json.h"
#include "base/text.h"
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

model::Stored<std::optional<Json>> optional_row(model::Stored<Json> row) {
  if (!row) return std::unexpected(std::move(row.error()));
  return std::optional<Json>(*std::move(row));
}

// A transaction of its own, unless there is one already. Undone when it goes out of scope.
class Unit {
 public:
  explicit Unit(model::Store& store) : store_(store) {}
  ~Unit() {
    if (open_) store_.rollback();
  }
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;

  model::Stored<void> begin() {
    if (store_.in_transaction()) return {};
    auto begun = store_.begin(model::Store::Refusals::end_it);
    open_ = begun.has_value();
    return begun;
  }
  model::Stored<void> commit() {
    if (!open_) return {};
    open_ = false;
    return store_.commit();
  }

 private:
  model::Store& store_;
  bool open_ = false;
};

// The faults of both, the first named ones before the others.
Json joined_faults(Json first, const Json& second) {
  if (first.is_null()) return second;
  for (const auto& [key, fault] : second.items()) {
    if (!first.contains(key)) first[key] = fault;
  }
  return first;
}

Json complete_and_check(const EntitySchema& entity, Json& input) {
  Json shorthand_faults =
      model::expand_shorthands(entity, model::subschema_of(entity, input), input);
  Json row = model::complete(entity, input, now());
  Json faults = joined_faults(std::move(shorthand_faults), model::validate(entity, row));
  if (faults.is_null() && entity.on_write) entity.on_write(input, row);
  input = std::move(row);
  return faults;
}

// Another sub-schema with a record of its own (a plugin's `config`): the record that was stored for
// the former one counts only where the patch gives none. True when there is one.
bool moves_to_other_subschema(const EntitySchema& entity, Json& before, const Json& patch) {
  auto key = patch.find(entity.subschema_key);
  if (key == patch.end() || *key == before[entity.subschema_key]) return false;
  bool moves = false;
  for (const Field& field : entity.fields) {
    if (!field.abstract) continue;
    if (patch.contains(field.name)) before.erase(field.name);
    moves = true;
  }
  return moves;
}

// `ttl` is no field: it is taken out, so that validation does not see it. Null when not given.
std::expected<Json, Answer> take_ttl(const EntitySchema& entity, Json& input) {
  if (!entity.ttl || !input.contains("ttl")) return Json(nullptr);
  Json ttl = input["ttl"];
  input.erase("ttl");
  if (ttl.is_string()) {  // of a form
    if (auto number = text::to_integer(ttl.get<std::string>())) ttl = *number;
  }
  if (ttl.is_null()) return ttl;
  bool sound = ttl.is_number_integer() && ttl >= 0 && ttl <= 100'000'000;
  if (!sound) {
    return std::unexpected(invalid_option("ttl", "must be an integer between 0 and 100000000"));
  }
  return ttl == 0 ? Json(nullptr) : ttl;
}

}  // namespace

Json EntityWriter::check(const EntitySchema& entity, Json input) {
  if (entity.ttl) input.erase("ttl");
  return complete_and_check(entity, input);
}

std::expected<Json, Answer> EntityWriter::prepared(const EntitySchema& entity, Json input) {
  if (auto resolved = resolve_references(entity, input); !resolved) {
    return std::unexpected(resolved.error());
  }
  auto ttl = take_ttl(entity, input);
  if (!ttl) return std::unexpected(std::move(ttl.error()));
  Json faults = complete_and_check(entity, input);
  if (!faults.is_null()) return std::unexpected(schema_violation(faults));
  if (!ttl->is_null()) input["ttl"] = *ttl;
  return input;
}

template <typename Write>
std::expected<std::optional<Json>, Answer> EntityWriter::write(const EntitySchema& entity, Json row,
                                                               const Write& write) {
  Json names = CertificateNames::take(entity, row);
  if (names.is_null()) {
    auto stored = write(row);
    if (!stored) return std::unexpected(store_fault(entity, &row, stored.error()));
    if (!*stored) return std::optional<Json>();
    Json shown = model::shown_row(entity, **std::move(stored));
    if (auto added = names_.add_to(entity, shown); !added) return std::unexpected(added.error());
    return shown;
  }
  Unit unit(store_);
  if (auto begun = unit.begin(); !begun) {
    return std::unexpected(store_fault(entity, &row, begun.error()));
  }
  if (auto fine = names_.check(names, row["id"]); !fine) return std::unexpected(fine.error());
  auto stored = write(row);
  if (!stored) return std::unexpected(store_fault(entity, &row, stored.error()));
  if (!*stored) return std::optional<Json>();
  if (auto done = names_.replace(names, row["id"]); !done) return std::unexpected(done.error());
  if (auto done = unit.commit(); !done) {
    return std::unexpected(store_fault(entity, &row, done.error()));
  }
  Json shown = model::shown_row(entity, **std::move(stored));
  shown["snis"] = std::move(names);
  return shown;
}

std::expected<Json, Answer> EntityWriter::create(const EntitySchema& entity, Json input) {
  auto row = prepared(entity, std::move(input));
  if (!row) return row;
  auto stored = write(entity, *std::move(row), [&](const Json& complete) {
    return optional_row(store_.insert(entity, complete));
  });
  if (!stored) return std::unexpected(std::move(stored.error()));
  return **std::move(stored);
}

std::expected<Json, Answer> EntityWriter::upsert(const EntitySchema& entity, Json input,
                                                 const std::optional<Json>& existing) {
  if (existing) {
    input["id"] = (*existing)["id"];
    bool given = input.contains("created_at") && !input["created_at"].is_null();
    if (!given && existing->contains("created_at")) input["created_at"] = (*existing)["created_at"];
  }
  auto row = prepared(entity, std::move(input));
  if (!row) return row;
  auto stored = write(entity, *std::move(row), [&](const Json& complete) {
    return optional_row(store_.upsert(entity, complete));
  });
  if (!stored) return std::unexpected(std::move(stored.error()));
  return **std::move(stored);
}

std::expected<std::optional<Json>, Answer> EntityWriter::update(const EntitySchema& entity,
                                                                const Json& existing, Json patch) {
  if (auto resolved = resolve_references(entity, patch); !resolved) {
    return std::unexpected(resolved.error());
  }
  auto ttl = take_ttl(entity, patch);
  if (!ttl) return std::unexpected(std::move(ttl.error()));
  Json before = existing;
  Json left = before.value("ttl", Json());
  before.erase("ttl");
  const model::Shape* sub =
      model::subschema_of(entity, patch.contains(entity.subschema_key) ? patch : before);
  Json faults = model::expand_shorthands(entity, sub, patch);
  if (patch.contains("id") && patch["id"] != before["id"]) {
    if (faults.is_null()) faults = Json::object();
    faults["id"] = "immutable field cannot be updated";
  }
  bool whole = moves_to_other_subschema(entity, before, patch);
  Json row = model::complete(entity, model::merge(entity, before, patch), now());
  faults = joined_faults(std::move(faults), whole ? model::validate(entity, row)
                                                  : model::validate_update(entity, patch, row));
  if (!faults.is_null()) return std::unexpected(schema_violation(faults));
  if (entity.on_write) entity.on_write(patch, row);
  if (!ttl->is_null() || !left.is_null()) row["ttl"] = ttl->is_null() ? left : *ttl;
  return write(entity, std::move(row),
               [&](const Json& complete) { return store_.update(entity, complete); });
}

std::expected<void, Answer> EntityWriter::remove(const EntitySchema& entity,
                                                 const std::string& id) {
  if (&entity == &model::ca_certificates()) {
    auto used = store_.page(model::services(), {.size = 1, .equals = {{"ca_certificates", id}}});
    if (!used) return std::unexpected(store_fault(entity, nullptr, used.error()));
    if (!used->rows.empty()) {
      return std::unexpected(still_referenced("ca certificate", id, "services",
                                              used->rows[0]["id"].get<std::string>()));
    }
  }
  Unit unit(store_);
  if (&entity == &model::certificates()) {  // their names go with them
    if (auto begun = unit.begin(); !begun) {
      return std::unexpected(store_fault(entity, nullptr, begun.error()));
    }
    if (auto done = names_.replace(Json::array(), id); !done) return done;
  }
  auto removed = store_.remove(entity, id);
  if (!removed) return std::unexpected(store_fault(entity, nullptr, removed.error()));
  if (auto done = unit.commit(); !done) {
    return std::unexpected(store_fault(entity, nullptr, done.error()));
  }
  return {};
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
