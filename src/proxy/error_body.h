// What the gateway says when it answers in place of an upstream, in the format that the client
// asked for. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "http/accept.h"

namespace sallyport::proxy {

// Kong's sentence for a status: "An invalid response was received from the upstream server" for
// 502.
std::string error_message(int status);

// `message` and `request_id` hold no markup and no quotes. Ends without a line end, except text.
std::string error_body(http::BodyFormat format, std::string_view message,
                       std::string_view request_id);

}  // namespace sallyport::proxy
