// What a request is hashed by, for upstreams that balance by consistent hashing (hash_on,
// hash_fallback). The worker's thread.
#pragma once

#include <cstdint>
#include <optional>

#include "model/upstream.h"
#include "proxy/exchange.h"

namespace sallyport::proxy {

// Nothing when the request has neither input: any target will do. A cookie that is missing is made
// and put into exchange.added_fields, so that the client comes back with it.
std::optional<uint64_t> hash_value(const model::Upstream& upstream, Exchange& exchange);

// The value of a cookie among the request's; nothing when it has none of that name.
std::optional<std::string_view> find_cookie(const http::RequestHead& request,
                                            std::string_view name);

}  // namespace sallyport::proxy
