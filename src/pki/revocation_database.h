// What one authority has revoked, in AUTHORITY.revoked.json next to it: the entries and the number
// of its last CRL. Written atomically before each CRL is signed, so that a crash loses no
// revocation and no number is used twice. Under the directory lock; blocking.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "pki/certificate.h"
#include "pki/revocation.h"

namespace sallyport::pki {

class RevocationDatabase {
 public:
  // Reads `path`, and adds what `crl_path` has beyond it: a list that other tools signed, or a
  // database that was restored from a backup. Neither has to exist; a CRL that `authority` did not
  // sign is an error. Errors: "pki.revocations" (a damaged file), "pki.crl".
  static Result<RevocationDatabase> load(const std::string& path, const std::string& crl_path,
                                         const Certificate& authority);

  // False when it was revoked before; the first date and reason stay.
  bool add(const RevokedCertificate& revoked);
  const RevokedCertificate* find(std::string_view serial) const;

  const std::vector<RevokedCertificate>& revoked() const { return revoked_; }
  int64_t crl_number() const { return crl_number_; }
  int64_t take_next_number() { return ++crl_number_; }

  Result<void> save() const;

 private:
  std::string path_;
  int64_t crl_number_ = 0;
  std::vector<RevokedCertificate> revoked_;
};

}  // namespace sallyport::pki
