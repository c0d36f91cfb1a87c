// Which trailer fields a gateway may pass on. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::http {

// Of whole lines, ends included, those whose fields neither frame nor route a message, say nothing
// about who sends it and do not belong to a connection (RFC 9110 section 6.5.1): a recipient that
// merges trailers into the head must not learn from them what the gateway has not checked.
std::string passable_trailers(std::string_view lines);

}  // namespace sallyport::http
