// Form fields as nested JSON: "service.id=x" -> {"service": {"id": "x"}}; "hosts[]=a&hosts[]=b",
// "hosts[1]=a&hosts[2]=b" and "hosts=a&hosts=b" -> {"hosts": ["a", "b"]}. All leaves are texts; the
// entity's declaration gives them their types (model/infer.h). Any thread.
#pragma once

#include <span>

#include "base/json_fwd.h"
#include "http/form.h"

namespace sallyport::admin {

Json form_json(std::span<const http::FormField> fields);

}  // namespace sallyport::admin
