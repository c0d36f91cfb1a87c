// GET and POST /config: the whole configuration of a node without a database.
#pragma once

#include "admin/declared_node.h"
#include "admin/endpoints.h"

namespace sallyport::admin {

// `node` is null where the configuration lives in a database: both answer 400 then.
void add_config_endpoints(Endpoints& endpoints, DeclaredNode* node);

// The file in the body of a POST /config, whichever way it was sent: as it is, or as the field
// `config` of a JSON object, a form or a multipart body. Or the answer that refuses it.
std::expected<std::string, Answer> declared_text(const Request& request);

}  // namespace sallyport::admin
