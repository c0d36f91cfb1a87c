// What PEM texts in entities must be: certificates, private and public keys, JSON Web Keys. Faults
// are in the words of Kong's Admin API, "" when there is none. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace sallyport::model::pem {

std::string certificate_fault(std::string_view text);
std::string private_key_fault(std::string_view text);
std::string public_key_fault(std::string_view text);

// False also when one of them cannot be read.
bool key_fits(std::string_view certificate, std::string_view private_key);
// The kind of a certificate's key, as OpenSSL numbers it; 0 when it cannot be read.
int key_type(std::string_view certificate);

// One certificate, of an authority, that has not expired at `now` (Unix seconds).
std::string authority_fault(std::string_view text, int64_t now);
// SHA-256 of the first certificate, lower-case hexadecimal; "" when it cannot be read.
std::string digest(std::string_view certificate);

// keys.pem: {"private_key": …, "public_key": …}, either may be null.
std::string key_pair_fault(const Json& pair);
// keys.jwk
std::string jwk_fault(std::string_view text, std::string_view kid);

// True for {vault://…}, which is looked at when it is used and not before.
bool is_vault_reference(std::string_view text);

}  // namespace sallyport::model::pem
