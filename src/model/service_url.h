// The `url` of a service, which stands for protocol, host, port and path.
#pragma once

#include "base/json_fwd.h"

namespace sallyport::model {

// Puts the fields that a URL text sets into `fields`. What the URL lacks: host and path become null
// (and are found missing where they are needed), the port that of the scheme, the protocol and
// other ports are left out. User, query and fragment have no place in a service and are dropped.
void expand_service_url(const Json& url, Json& fields);

}  // namespace sallyport::model
