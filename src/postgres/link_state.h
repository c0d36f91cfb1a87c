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

// How far an attempt got, in the order of the steps.
enum class LinkStage : uint8_t {
  files,           // reading what the settings name
  name,            // resolving the host
  tcp,             // connecting
  ssl_request,     // SSLRequest sent, waiting for the answer
  handshake,       // TLS
  authentication,  // startup packet sent
  session,         // authenticated; setting the session up
  ready,
};

// One host of the list at one address that could not be used.
struct FailedAttempt {
  std::string host;
  std::string address;  // "" when the name did not resolve
  LinkStage stage = LinkStage::name;
  std::string error;
};

struct LinkState {
  std::string host;     // the host of the list that was reached, or tried last
  std::string address;  // the address that it resolved to
  uint16_t port = 0;
  LinkStage stage = LinkStage::files;
  char ssl_answer = 0;  // to SSLRequest: 'S', 'N', 'E' or whatever came; 0: none asked or none came
  bool tls = false;     // the handshake is done
  bool verified = false;    // chain (and name, as the settings say) were found good
  std::string tls_version;  // "TLSv1.3"
  std::string cipher;
  std::vector<CertificateFacts> server_chain;  // as verified (or as sent); leaf first
  std::optional<CertificateFacts> client_certificate;
  bool client_certificate_requested = false;  // by the server, in the handshake
  std::vector<CertificateFacts> trust_anchors_used;
  std::optional<int64_t> crl_next_update;  // the earliest, Unix seconds
  int verify_error = 0;                    // X509_V_ERR_*, 0 = X509_V_OK
  int verify_error_depth = -1;
  std::string verify_error_text;
  std::string server_version;
  bool plain_fallback = false;        // the server answered N and pg_ssl_required is off
  bool read_only = false;             // the server is a standby, or refuses writes by default
  bool used_password = false;         // the server asked for it
  std::string sqlstate;               // of a refusal by the server during authentication
  std::vector<FailedAttempt> failed;  // hosts and addresses tried before, in order
};

}  // namespace sallyport::postgres
