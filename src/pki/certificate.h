// One X.509 certificate: read, written, and described in the words that an operator needs. A value
// (copies share the certificate, which never changes); any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "pki/key.h"

struct x509_st;  // X509

namespace sallyport::pki {

// What a certificate says, decoded. Times are seconds since 1970, UTC.
struct CertificateInfo {
  std::string subject;  // "CN=kong,O=example", RFC 2253
  std::string issuer;
  std::string common_name;  // the last CN; "" when there is none
  std::string serial;       // hexadecimal, upper case, as openssl prints it
  int version = 0;          // 1 or 3
  int64_t not_before = 0;
  int64_t not_after = 0;
  std::string key;                  // "EC P-256", "RSA 2048", "Ed25519"
  std::string key_weakness;         // why the key is too weak today; "" when it is not
  std::string signature_algorithm;  // "ecdsa-with-SHA256"
  bool weak_signature = false;      // MD5 or SHA-1
  bool self_signed = false;         // issuer is subject, and the signature is its own key's
  bool has_basic_constraints = false;
  bool basic_constraints_critical = false;
  bool ca = false;       // basicConstraints CA:TRUE, or version 1 and self-signed
  int path_length = -1;  // intermediates allowed below; -1: any number
  bool has_key_usage = false;
  std::vector<std::string> key_usage;  // "digitalSignature", "keyCertSign", ...
  bool has_extended_key_usage = false;
  std::vector<std::string> extended_key_usage;  // "serverAuth", "clientAuth", or an OID
  bool server_auth = false;                     // usable as a TLS server's, by the extensions
  bool client_auth = false;                     // usable as a TLS client's, by the extensions
  std::vector<std::string> dns_names;           // subjectAltName
  std::vector<std::string> ip_addresses;
  std::vector<std::string> other_names;  // "email:a@b", "URI:spiffe://x"
  std::string subject_key_id;            // hexadecimal, lower case; "" when absent
  std::string authority_key_id;
  std::string sha256;  // fingerprint, hexadecimal, lower case

  // Whole days until notAfter, rounded down; negative when it has passed.
  int64_t days_left(int64_t now) const;

  // "server", "client", "server and client", "authority", "any (no purpose named)".
  std::string purpose() const;

  // What a host name is compared with: DNS names and IP addresses, or the CN when there are none.
  std::vector<std::string> names() const;
};

class Certificate {
 public:
  // Every certificate of a file, in its order: PEM (other blocks and text between are passed over)
  // or one DER. At least one. Errors: those of read_file, "pki.no_certificate", "pki.certificate".
  static Result<std::vector<Certificate>> load(const std::string& path);
  static Result<std::vector<Certificate>> parse(std::string_view text, std::string_view name);

  // Takes a reference of its own.
  static Certificate from_native(x509_st* certificate);

  std::string pem() const;
  const CertificateInfo& info() const { return *info_; }
  Key public_key() const;

  // Whether `issuer`'s name and key made this certificate.
  bool issued_by(const Certificate& issuer) const;
  bool operator==(const Certificate& other) const;

  x509_st* native() const { return certificate_.get(); }

 private:
  explicit Certificate(x509_st* owned);
  std::shared_ptr<x509_st> certificate_;
  std::shared_ptr<const CertificateInfo> info_;
};

// For --json: every field of the info, and days_left.
Json to_json(const CertificateInfo& info, int64_t now);

}  // namespace sallyport::pki
