// Owners for OpenSSL's objects and its errors as ours. For .cpp files of this folder: it needs
// OpenSSL's headers.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/error.h"

namespace sallyport::net {

template <auto free>
struct OpensslFree {
  template <typename Object>
  void operator()(Object* object) const noexcept {
    free(object);
  }
};

using ContextPtr = std::unique_ptr<SSL_CTX, OpensslFree<&SSL_CTX_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<&BIO_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<&X509_free>>;
using EvpKeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<&EVP_PKEY_free>>;

// What OpenSSL complains of, after `what`; empties its queue.
inline std::unexpected<Error> tls_error(std::string_view what) {
  char reason[256] = "no reason given";
  if (const unsigned long code = ERR_peek_last_error(); code != 0) {
    ERR_error_string_n(code, reason, sizeof(reason));
  }
  ERR_clear_error();
  return fail("net.tls", Side::config, std::string(what) + ": " + reason);
}

// Reads from `text`, which outlives it.
inline BioPtr memory_bio(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace sallyport::net
