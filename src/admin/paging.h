// The query of a list call: size, offset and tags; and the `next` of its answer.
#pragma once

#include <expected>

#include "admin/answer.h"
#include "admin/request.h"
#include "model/store.h"

namespace sallyport::admin {

// Or the answer that refuses it (codes 9 and 11). `with_tags` is false for lists below a parent,
// which Kong does not filter by tags.
std::expected<model::PageQuery, Answer> read_page_query(const Request& request, bool with_tags);

// {"data": [...], "next": null | "/path?...", "offset": "..."}
Json page_json(const Request& request, const model::PageQuery& query, model::Page page);

}  // namespace sallyport::admin
