// The ids that a declarative file need not give. Where Kong derives one from names (a UUID of
// version 5), ours is the same; where Kong makes a random one, ours comes from the content, so that
// every node that reads the file agrees. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json_fwd.h"
#include "model/schema.h"

namespace sallyport::model {

// Of the entity and a text that is unique among its kind.
std::string declared_id(std::string_view entity, std::string_view key);

// What names `item` among its kind: its endpoint key, or what must be unique together. `child_key`
// and `parent_id` tell of the entity that it is nested in, "" when it is not. Nothing when it has
// no name.
std::optional<std::string> declared_key(const EntitySchema& entity, const Json& item,
                                        std::string_view child_key, const std::string& parent_id);

// 32 hexadecimal digits: what Kong calls the configuration's hash.
std::string md5(std::string_view text);

}  // namespace sallyport::model
