// Certificates, the names that they serve, and authorities, as the data plane reads them, decoded
// from validated rows. Immutable; any thread. PEM texts as they stand in the row: {vault://...} is
// for the Builder to look up.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "base/secret.h"

namespace sallyport::model {

struct Certificate {
  std::string id;
  std::string cert;  // with what is above it
  Secret key;
  std::string cert_alt;  // of another kind of key; "" for none
  Secret key_alt;

  bool operator==(const Certificate& other) const;
};

struct Sni {
  std::string id;
  std::string name;
  std::string certificate_id;

  bool operator==(const Sni&) const = default;
};

struct CaCertificate {
  std::string id;
  std::string cert;

  bool operator==(const CaCertificate&) const = default;
};

// Errors: "model.row", as in entities.h; never the key.
Result<Certificate> decode_certificate(const Json& row);
Result<Sni> decode_sni(const Json& row);
Result<CaCertificate> decode_ca_certificate(const Json& row);

}  // namespace sallyport::model
