// Declarative files (kong.yml): entities nested in each other or side by side, references by name
// or id, in YAML or JSON. Reading one finds every fault at once and gives rows as a database would
// hold them. Pure functions of their arguments; any thread.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "model/schema.h"

namespace sallyport::model {

// A whole configuration, checked: rows are complete, sound and free of references that lead
// nowhere, and stand in an order in which references come before what refers to them.
struct Declaration {
  struct Rows {
    const EntitySchema* entity = nullptr;
    std::vector<Json> rows;
  };
  std::vector<Rows> entities;  // those that the file has, in the order of model::entities()
  std::string hash;            // MD5 of the text, 32 hexadecimal digits
  bool transform = true;       // false: secrets are in their stored form already

  size_t size() const;
};

// Everything that is wrong with a file. `fields` is shaped like the file: lists with null for sound
// entries. Held by pointer, for JSON is only declared here.
class DeclarationFaults {
 public:
  explicit DeclarationFaults(std::string syntax);
  DeclarationFaults(Json fields, Json outside, Json flattened);

  // The text is neither YAML nor JSON: why. Empty otherwise.
  const std::string& syntax() const { return syntax_; }
  const Json& fields() const { return *fields_; }
  // Those of `fields` that belong to no entity, and an object for each faulty entity:
  // {entity_type, entity_name, entity_id, entity_tags, entity, errors: [{type, field, message}]}.
  const Json& outside() const { return *outside_; }
  const Json& flattened() const { return *flattened_; }

  // For a terminal: a line for each fault, which says where.
  std::string text() const;

 private:
  std::string syntax_;
  std::shared_ptr<const Json> fields_, outside_, flattened_;
};

// `now` is in seconds since 1970: the created_at of entities that give none.
std::expected<Declaration, DeclarationFaults> read_declaration(std::string_view text, double now);

// As a file that read_declaration() takes: side by side, null fields left out, references by id.
Json declaration_document(const Declaration& declaration);

}  // namespace sallyport::model
