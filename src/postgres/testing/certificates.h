// Certificates, keys and CRLs made on the spot, for the tests of this folder.
#pragma once

#include <string>
#include <vector>

#include "postgres/openssl_handles.h"

namespace sallyport::postgres {

struct TestCertificate {
  X509Handle certificate;
  KeyHandle key;

  std::string pem() const;
  std::string der() const;
  std::string key_pem(const char* pass_phrase = nullptr) const;
};

struct TestCertificateWish {
  std::string common_name = {};             // "" for none
  std::string san = {};                     // "DNS:a,IP:127.0.0.1", OpenSSL's syntax; "" for none
  const TestCertificate* issuer = nullptr;  // null: self-signed
  bool ca = false;
};

TestCertificate make_certificate(const TestCertificateWish& wish);

// PEM of a CRL of `issuer` that is current for `days`.
std::string make_crl(const TestCertificate& issuer, int days);

// A directory of its own that is removed with everything in it.
class TestDirectory {
 public:
  TestDirectory();
  ~TestDirectory();
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  // Writes a file with mode 0600 and gives its path.
  std::string write(const std::string& name, const std::string& content) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sallyport::postgres
