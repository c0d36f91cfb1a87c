#include "net/trust_store.h"

#include <openssl/pem.h>

#include "net/openssl_handles.h"

namespace sallyport::net {

TrustStore::~TrustStore() {
  X509_STORE_free(store_);
}

Result<std::shared_ptr<const TrustStore>> TrustStore::load(std::string_view pem, Anchors anchors) {
  ERR_clear_error();
  std::shared_ptr<const TrustStore> trust(new TrustStore(X509_STORE_new()));
  if (trust->store_ == nullptr) return tls_error("OpenSSL does not start");
  const BioPtr bio = memory_bio(pem);
  int count = 0;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    const X509Ptr owned(certificate);
    if (X509_STORE_add_cert(trust->store_, certificate) != 1) {
      return tls_error("a trusted certificate cannot be used");
    }
    ++count;
  }
  const unsigned long end = ERR_peek_last_error();
  if (end != 0 && ERR_GET_REASON(end) != PEM_R_NO_START_LINE) {
    return tls_error("a trusted certificate cannot be used");
  }
  if (count == 0) return tls_error("there is no trusted certificate");
  if (anchors == Anchors::each) X509_STORE_set_flags(trust->store_, X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();
  return trust;
}

std::shared_ptr<const TrustStore> TrustStore::nobody() {
  static const std::shared_ptr<const TrustStore> empty(new TrustStore(X509_STORE_new()));
  return empty;
}

bool TrustStore::judge_on(SSL* ssl) const {
  return SSL_set1_verify_cert_store(ssl, store_) == 1;
}

void TrustStore::judge_on(SSL_CTX* context) const {
  SSL_CTX_set1_cert_store(context, store_);
}

}  // namespace sallyport::net
