// Keeps pages of other sites that a browser shows from using the Admin API: cross-site writes, and
// names that were made to lead to this address (DNS rebinding). Of curl, decK and scripts only the
// name is looked at, and only where being on this machine is all that lets them in. Control thread.
#pragma once

#include <optional>

#include "admin/answer.h"
#include "admin/own_pages.h"
#include "http/message.h"

namespace sallyport::admin {

// The answer that refuses the request, if it must be.
std::optional<Answer> refuse_foreign_page(const http::BufferedRequest& request,
                                          const OwnPages& pages);

}  // namespace sallyport::admin
