// The names of nginx's shared dictionaries that a plugin's configuration may speak of: Kong's own,
// and those that kong.conf adds. Nothing is kept in them here. Any thread, but
// know_shared_dictionaries() only before the others start.
#pragma once

#include <string_view>

namespace sallyport::model {

bool is_shared_dictionary(std::string_view name);

// The value of a directive nginx_http_lua_shared_dict: "mine 12m", or several as users inject them:
// "mine 12m; lua_shared_dict other 1m".
void know_shared_dictionaries(std::string_view directive);

}  // namespace sallyport::model
