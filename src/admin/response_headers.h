// The headers that every answer of the Admin and the Status API has. Any thread.
#pragma once

#include "admin/answer.h"
#include "admin/own_pages.h"
#include "admin/request.h"
#include "base/clock.h"
#include "http/message.h"

namespace sallyport::admin {

// Server, X-Kong-Admin-Latency since `began`, Content-Type, and who may read the answer from a
// browser: where an admin_gui_url is set the origin that asked when it is one of `gui_origins`,
// else the first of them; where none is, the origin that asked when it is one of `pages`.
http::BufferedResponse with_headers(Answer answer, const http::BufferedRequest& request,
                                    const OwnPages& pages, TimePoint began);

}  // namespace sallyport::admin
