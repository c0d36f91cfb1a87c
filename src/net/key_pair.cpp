#include "net/key_pair.h"

#include <openssl/pem.h>

#include "net/openssl_handles.h"

namespace sallyport::net {
namespace {

// A key behind a pass phrase must not make a server ask on its terminal.
int no_pass_phrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

KeyPair::~KeyPair() {
  X509_free(leaf_);
  EVP_PKEY_free(key_);
  sk_X509_pop_free(above_, &X509_free);
}

Result<std::shared_ptr<const KeyPair>> KeyPair::load(std::string_view chain_pem,
                                                     const Secret& key_pem) {
  ERR_clear_error();
  std::shared_ptr<KeyPair> pair(new KeyPair);
  const BioPtr chain = memory_bio(chain_pem);
  pair->leaf_ = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr);
  if (pair->leaf_ == nullptr) return tls_error("the certificate cannot be used");
  pair->above_ = sk_X509_new_null();
  while (X509* above = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)) {
    if (sk_X509_push(pair->above_, above) == 0) X509_free(above);
  }
  const unsigned long end = ERR_peek_last_error();
  if (end != 0 && ERR_GET_REASON(end) != PEM_R_NO_START_LINE) {
    return tls_error("what stands below the certificate cannot be used");
  }
  ERR_clear_error();
  const BioPtr key = memory_bio(key_pem.reveal());
  pair->key_ = PEM_read_bio_PrivateKey(key.get(), nullptr, &no_pass_phrase, nullptr);
  if (pair->key_ == nullptr) return tls_error("the key of the certificate cannot be used");
  if (X509_check_private_key(pair->leaf_, pair->key_) != 1) {
    return tls_error("the key is not that of the certificate");
  }
  // Whether OpenSSL would take it in a handshake, for example by its strength, shows here.
  const ContextPtr probe(SSL_CTX_new(TLS_method()));
  if (probe == nullptr || !pair->show_on(probe.get())) {
    return tls_error("the certificate cannot be used");
  }
  return std::shared_ptr<const KeyPair>(std::move(pair));
}

bool KeyPair::show_on(SSL* ssl) const {
  return SSL_use_cert_and_key(ssl, leaf_, key_, above_, 1) == 1;
}

bool KeyPair::show_on(SSL_CTX* context) const {
  return SSL_CTX_use_cert_and_key(context, leaf_, key_, above_, 1) == 1;
}

}  // namespace sallyport::net
