// What an entity is: its fields, their types and rules, and its place in the database. One such
// declaration drives validation, the Admin API, SQL, /schemas and the declarative files.
// Declarations are built once (schemas.h), never change and are read from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "model/constant.h"

namespace sallyport::model {

enum class FieldType : uint8_t {
  string,
  integer,
  number,
  boolean,
  array,
  set,      // of elements(); a set drops repeated values
  map,      // of keys() and values()
  record,   // of shape->fields
  foreign,  // {"id": "<uuid>"} of the entity `reference`
  json,     // anything
};

// Kong's word for the type: "string", "foreign".
std::string_view name(FieldType type);

// One demand on a value that already has the right type. `check` returns the fault in Kong's words,
// "" when there is none. `name` and `argument` are what /schemas shows; rules run in Kong's order.
struct Rule {
  std::string_view name;
  Constant argument;
  std::function<std::string(const Json& value)> check;
};

enum class OnDelete : uint8_t { refuse, cascade, set_null };

// Everything about a field besides its name and type; made for designated initialisers.
struct Attributes {
  bool required = false;  // null is refused
  bool unique = false;    // within the workspace
  Constant defaults = {};
  bool null_is_default = false;  // its column takes no null
  std::vector<Rule> rules = {};
  // Brings a given text into the one form that is stored; what is unsound stays as it is.
  std::function<std::string(std::string_view text)> canonical = {};
  std::string err = {};  // replaces the message of whichever rule fails
  OnDelete on_delete = OnDelete::refuse;
  bool automatic = false;  // made by the gateway when absent: ids, timestamps, keys
  bool uuid = false;
  bool timestamp = false;  // Unix seconds; milliseconds as a fraction when the type is number
  bool transient = false;  // accepted and shown, but no column: certificates.snis
  bool abstract = false;   // its shape comes from the sub-schema: plugins.config
  bool encrypted = false;
  bool referenceable = false;  // may hold {vault://...}
  bool unique_across_ws = false;
  bool immutable = false;
  Constant deprecation = {};  // what /schemas shows about a field that is going away
  std::string description = {};
};

struct Shape;

struct Field : Attributes {
  std::string name;  // "" for elements, keys and values
  FieldType type = FieldType::string;
  std::string reference;               // foreign: the entity
  std::vector<Field> parts;            // array, set: {elements}; map: {keys, values}
  std::shared_ptr<const Shape> shape;  // record

  const Field& elements() const { return parts.front(); }
  const Field& keys() const { return parts.front(); }
  const Field& values() const { return parts.back(); }
};

// A demand on several fields together. `check` gets the record and its shape, puts faults that
// belong to a field into `errors` (an object shaped like the record) and returns the fault of the
// whole, which ends up below "@entity"; "" when there is none.
struct EntityCheck {
  std::string_view name;                  // Kong's word: "conditional"
  Constant argument;                      // as /schemas shows it
  std::vector<std::string> sources = {};  // skipped when one of these has a fault already
  bool run_with_missing_fields = false;
  bool run_with_invalid_fields = false;
  std::function<std::string(const Json& record, const Shape& shape, Json& errors)> check = {};
};

// An input-only field that stands for others: services.url. `expand` puts the fields that it
// sets into `fields`, in place of what the input says about them; it is called with a sound value.
// Where it is the old name of one field, `replaced_by` is the dotted path of that one:
// "redis.host"; rows then show both, and an input that gives both must give the same.
struct Shorthand {
  Field field;
  std::function<void(const Json& value, Json& fields)> expand;
  std::string replaced_by = {};
};

struct Shape {
  std::vector<Field> fields = {};  // in the order of /schemas and of answers
  std::vector<EntityCheck> checks = {};
  std::vector<Shorthand> shorthands = {};

  const Field* find(std::string_view field_name) const;
};

struct EntitySchema : Shape {
  std::string name;         // "services": the entity's name in errors, /schemas and foreign keys
  std::string table;        // usually the name; vaults live in sm_vaults
  std::string path;         // of the Admin API: "key-auths"; "" when there is none
  std::string nested_path;  // below its parent: "key-auth"; usually the same as `path`
  std::vector<std::string> primary_key = {"id"};
  std::string endpoint_key;            // usable in place of the id in URLs; "" for none
  std::vector<std::string> cache_key;  // unique together: targets {upstream, target}
  bool workspaceable = true;           // has ws_id
  bool ttl = false;                    // rows may carry "ttl", the seconds that they have left
  bool admin_api = true;
  bool declarative = true;  // may stand in declarative files
  // Made from other fields before a row is stored: hashes, digests. `input` holds the fields that
  // the client gave, `row` the complete row.
  std::function<void(const Json& input, Json& row)> on_write;

  // Fields that depend on the value of another one: routes by `protocols` (a set: the first value
  // that is known decides), plugins by `name`. The fields found replace the declared ones.
  std::string subschema_key;
  std::string subschema_error;  // "plugin '%s' not enabled; …"; %s is the value
  std::function<const Shape*(std::string_view value)> subschema;
};

}  // namespace sallyport::model
