// What works today and will not tomorrow: looks at one certificate and says what newer TLS
// libraries, other clients or the calendar will refuse. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pki/certificate.h"
#include "pki/verification.h"

namespace sallyport::pki {

struct Finding {
  enum class Weight : uint8_t { note, warning, fault };  // fault: broken already today
  std::string_view id;  // stable: "expired", "expires_soon", "version_1", "cn_only", ...
  Weight weight = Weight::warning;
  std::string text;
  std::string remedy;  // "" when there is none
};

// Warned of when a certificate has fewer days left than this.
inline constexpr int kExpiryWarningDays = 30;

// `purpose` is what the certificate is used for (any: judged by what it says itself).
std::vector<Finding> findings(const CertificateInfo& info, Purpose purpose, int64_t now);

}  // namespace sallyport::pki
