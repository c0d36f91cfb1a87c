// Kong's error bodies: {"code": …, "name": …, "message": …, "fields": …}. The codes are Kong's.
#pragma once

#include <string>
#include <string_view>

#include "admin/answer.h"
#include "base/json_fwd.h"
#include "model/schema.h"
#include "model/store.h"

namespace sallyport::admin {

// Code 2, from the faults that validation found (model/validate.h).
Answer schema_violation(const Json& faults);
// Code 1: an id in the URL that no entity can have.
Answer invalid_primary_key(std::string_view field, std::string_view fault);
// Code 10: a name in the URL that no entity can have.
Answer invalid_unique(std::string_view field, std::string_view fault);
// Code 9 and 7: the page that was asked for.
Answer invalid_size(std::string_view fault);
Answer invalid_offset(std::string_view offset);
// Code 11: a query option such as `tags`.
Answer invalid_option(std::string_view option, std::string_view fault);
// Code 13: a reference by something else than the id that leads nowhere.
Answer unresolved_reference(std::string_view field, std::string_view by, std::string_view value,
                            std::string_view entity);
// Code 19: the row cannot go while another one needs it.
Answer still_referenced(std::string_view kind, std::string_view id, std::string_view by_entity,
                        std::string_view by_id);
// What the database refused. `row` is what was to be written; null for reads and deletions.
Answer store_fault(const model::EntitySchema& entity, const Json* row,
                   const model::StoreFault& fault);

// A value as Kong's messages show it: {id="…"}, "text", null; keys sorted.
std::string shown(const Json& value);

}  // namespace sallyport::admin
