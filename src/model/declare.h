// The words in which entities are declared:
//   integer("port", {.required = true, .defaults = 80, .rules = {between(0, 65535)}})
// Used by the files in schemas/ and by plugins, while the program starts.
#pragma once

#include <string>
#include <vector>

#include "model/schema.h"

namespace sallyport::model::declare {

Field string(std::string name, Attributes attributes = {});
Field integer(std::string name, Attributes attributes = {});
Field number(std::string name, Attributes attributes = {});
Field boolean(std::string name, Attributes attributes = {});
Field json(std::string name, Attributes attributes = {});
Field array(std::string name, Field elements, Attributes attributes = {});
Field set(std::string name, Field elements, Attributes attributes = {});
Field map(std::string name, Field keys, Field values, Attributes attributes = {});
// A record is required unless told otherwise: absent, it is made of its fields' defaults.
Field record(std::string name, Shape shape, Attributes attributes = {.required = true});
// `entity` is the name of the entity referred to.
Field foreign(std::string name, std::string entity, Attributes attributes = {});

// Puts the rules in the order in which Kong checks them; the functions above have done so.
Field with_ordered_rules(Field field);

// Fields that many entities share.
Field id();
Field created_at();                    // seconds
Field updated_at();                    // seconds
Field timestamp_ms(std::string name);  // seconds with three decimals
Field tags();

}  // namespace sallyport::model::declare
