// UUIDs as text: 8-4-4-4-12 lower-case hexadecimal (RFC 9562).
#pragma once

#include <string>
#include <string_view>

namespace sallyport {

// A random (version 4) UUID from the kernel's generator. Any thread.
std::string new_uuid();

// True for the 36-character form, upper or lower case.
bool is_uuid(std::string_view s);

}  // namespace sallyport
