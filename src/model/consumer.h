// Consumers and their credentials as the data plane reads them. Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/json_fwd.h"

namespace sallyport::model {

struct Consumer {
  std::string id;
  std::string username;   // "" when null
  std::string custom_id;  // "" when null

  bool operator==(const Consumer&) const = default;
};

struct KeyCredential {
  std::string id;
  std::string consumer_id;
  std::string key;

  bool operator==(const KeyCredential&) const = default;
};

struct BasicCredential {
  std::string id;
  std::string consumer_id;
  std::string username;
  std::string password;  // as stored: SHA-1 of the password and the consumer's id, hexadecimal

  bool operator==(const BasicCredential&) const = default;
};

struct AclGroup {
  std::string id;
  std::string consumer_id;
  std::string group;

  bool operator==(const AclGroup&) const = default;
};

// Errors: "model.row", as in entities.h.
Result<Consumer> decode_consumer(const Json& row);
Result<KeyCredential> decode_key_credential(const Json& row);
Result<BasicCredential> decode_basic_credential(const Json& row);
Result<AclGroup> decode_acl_group(const Json& row);

}  // namespace sallyport::model
