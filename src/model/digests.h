// Digests in the forms in which Kong stores secrets, so that both products can check them. Pure
// functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::model::digests {

// Lower-case hexadecimal.
std::string sha1(std::string_view text);

// "$pbkdf2-sha512$i=10000,l=32$<salt>$<hash>" (the PHC string format), with a fresh salt; takes
// some milliseconds.
std::string password_hash(std::string_view secret);
bool is_password_hash(std::string_view text);

}  // namespace sallyport::model::digests
