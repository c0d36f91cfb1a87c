// Status codes and their reason phrases (RFC 9110 section 15, and nginx's own codes that Kong's
// users know). Any thread.
#pragma once

#include <string_view>

namespace sallyport::http {

// "Not Found" for 404; "Unknown" for codes without a phrase.
std::string_view reason_phrase(int status);

}  // namespace sallyport::http
