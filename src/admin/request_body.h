// The body of a POST, PUT or PATCH as one JSON object, whatever way it was sent: JSON,
// application/x-www-form-urlencoded or multipart/form-data.
#pragma once

#include <expected>
#include <optional>

#include "admin/answer.h"
#include "admin/request.h"
#include "base/json_fwd.h"
#include "model/schema.h"

namespace sallyport::admin {

// `entity` gives the texts of forms their types; null leaves them texts. Or the answer that refuses
// the body: 400 or 415. No body and no type is an empty object.
std::expected<Json, Answer> read_body(const Request& request, const model::EntitySchema* entity);

// The answer to a body that is compressed: what it grows to is not known before it has grown.
std::optional<Answer> refuse_coding(const Request& request);

}  // namespace sallyport::admin
