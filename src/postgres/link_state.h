// What is known of the link: for /status, metrics and the doctor. Plain values, copied freely.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sallyport::postgres {

struct CertificateFacts {
  std::string subject;
  std::string issuer;
  int64_t not_before = 0;  // Unix seconds
  int64_t not_after = 0;
  std::vector<std::string> names;  // SAN, or the CN when there is none
};

struct LinkState {
  std::string host;      // the host of the list that was reached
  std::string address;   // the address that it resolved to
  uint16_t port = 0;
  bool tls = false;
  std::string tls_version;  // "TLSv1.3"
  std::string cipher;
  std::vector<CertificateFacts> server_chain;  // as verified (or as sent); leaf first
  std::optional<CertificateFacts> client_certificate;
  std::vector<CertificateFacts> trust_anchors_used;
  std::optional<int64_t> crl_next_update;      // the earliest, Unix seconds
  int verify_error = 0;                        // X509_V_ERR_*, 0 = X509_V_OK
  int verify_error_depth = -1;
  std::string verify_error_text;
  std::string server_version;
  bool plain_fallback = false;  // the server answered N and pg_ssl_required is off
};

}  // namespace sallyport::postgres
