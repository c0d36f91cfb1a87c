// Certificate revocation lists: reading and describing them, and signing new ones. What a CA has
// revoked is kept in revocation_database.h; here are no files but the one that is loaded.
// Values; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "pki/authority.h"
#include "pki/certificate.h"

struct X509_crl_st;  // X509_CRL

namespace sallyport::pki {

struct RevokedCertificate {
  std::string serial;      // hexadecimal, upper case
  int64_t revoked_at = 0;  // seconds since 1970
  std::string reason;      // a word of kRevocationReasons; "" for none given
  std::string subject;     // for people; not part of a CRL
};

// RFC 5280 section 5.3.1, without those that make no sense for a whole certificate.
bool is_revocation_reason(std::string_view word);
std::string revocation_reasons();  // "keyCompromise, cACompromise, ...", for a message

class RevocationList {
 public:
  // Every CRL of a file: PEM (other blocks are passed over) or one DER.
  // Errors: those of read_file, "pki.no_crl", "pki.crl".
  static Result<std::vector<RevocationList>> load(const std::string& path);
  static Result<std::vector<RevocationList>> parse(std::string_view text, std::string_view name);
  static RevocationList from_native(X509_crl_st* list);

  // Signs a CRL. `number` grows with each one; nextUpdate is `days` after `now`.
  static Result<RevocationList> sign(const Authority& authority,
                                     const std::vector<RevokedCertificate>& revoked, int64_t number,
                                     int days, int64_t now);

  std::string pem() const;
  std::string issuer() const;   // RFC 2253
  int64_t number() const;       // crlNumber; 0 when there is none
  int64_t last_update() const;  // seconds since 1970
  int64_t next_update() const;  // 0 when there is none
  std::vector<RevokedCertificate> revoked() const;
  std::optional<RevokedCertificate> find(std::string_view serial) const;
  bool signed_by(const Certificate& issuer) const;
  std::string issuer_hash() const;  // the file name in a hashed directory: "5ed36f99"

  X509_crl_st* native() const { return list_.get(); }

 private:
  explicit RevocationList(X509_crl_st* owned);
  std::shared_ptr<X509_crl_st> list_;
};

Json to_json(const RevocationList& list, int64_t now);

}  // namespace sallyport::pki
