// One comparison of an expression against one request. Any thread; allocates nothing after a
// thread's first long value.
#pragma once

#include <string_view>

#include "router/expression.h"
#include "router/router.h"

namespace sallyport::router {

// False for a field that the request does not have, whatever the operator. `host` is the request's
// in lower case.
bool predicate_holds(const Predicate& predicate, const MatchInput& input, std::string_view host);

// The segments `first` to `last` of a path, joined by '/'; nothing when it has not so many.
// "/a/b/" has two, "/" none.
std::optional<std::string_view> path_segments(std::string_view path, uint32_t first, uint32_t last);
int64_t count_path_segments(std::string_view path);

// The values of the pattern's groups.
void take_captures(const Pattern& pattern, Pattern::Spans spans, std::string_view subject,
                   Match& out);

}  // namespace sallyport::router
