// The headers that every answer of the Admin and the Status API has. Control thread.
#pragma once

#include <span>
#include <string>

#include "admin/answer.h"
#include "admin/request.h"
#include "base/clock.h"
#include "http/message.h"

namespace sallyport::admin {

// Server, X-Kong-Admin-Latency since `began`, Content-Type, and who may read the answer from a
// browser: everyone as long as no admin_gui_url is set, else the origin that asked when it is one
// of `gui_origins`, else the first of them.
http::BufferedResponse with_headers(Answer answer, const http::BufferedRequest& request,
                                    std::span<const std::string> gui_origins, TimePoint began);

}  // namespace sallyport::admin
