// In which language routes may be written: Kong's router_flavor as far as the schema of routes
// goes. Chosen once, before the first look at a schema; the router brings what reads expressions.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::model {

// "" when `expression` is sound, else what is wrong with it and where. `stream`: for a route of
// tcp, tls, udp or tls_passthrough.
using ExpressionCheck = std::string (*)(std::string_view expression, bool stream);

// Gives routes the fields `expression` and `priority`. Without this call they have neither.
void let_routes_have_expressions(ExpressionCheck check);

// Null without the call above.
ExpressionCheck route_expression_check();

}  // namespace sallyport::model
