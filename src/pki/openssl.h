// OpenSSL objects that free themselves, and OpenSSL's errors as ours. For the .cpp files of pki/
// only: the headers name OpenSSL's types without including it. Any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/error.h"

namespace sallyport::pki {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Freed<Free>>;

inline void free_text(void* text) {
  OPENSSL_free(text);
}
inline void free_names(GENERAL_NAMES* names) {
  GENERAL_NAMES_free(names);
}
inline void free_certificates(STACK_OF(X509) * list) {
  sk_X509_free(list);
}
inline void free_usages(EXTENDED_KEY_USAGE* list) {
  EXTENDED_KEY_USAGE_free(list);
}

using BioPtr = Owned<BIO, BIO_free_all>;
using X509Ptr = Owned<X509, X509_free>;
using CrlPtr = Owned<X509_CRL, X509_CRL_free>;
using PkeyPtr = Owned<EVP_PKEY, EVP_PKEY_free>;
using NamePtr = Owned<X509_NAME, X509_NAME_free>;
using ExtensionPtr = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using IntegerPtr = Owned<ASN1_INTEGER, ASN1_INTEGER_free>;
using NumberPtr = Owned<BIGNUM, BN_free>;
using TimePtr = Owned<ASN1_TIME, ASN1_TIME_free>;
using NamesPtr = Owned<GENERAL_NAMES, free_names>;
using CertificatesPtr = Owned<STACK_OF(X509), free_certificates>;

// A read-only BIO over `text`, which must outlive it.
inline BioPtr reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

inline std::string content(BIO* memory) {
  char* data = nullptr;
  long length = BIO_get_mem_data(memory, &data);
  return length > 0 ? std::string(data, static_cast<size_t>(length)) : std::string();
}

// The reason of the newest error in OpenSSL's queue, which is emptied: "bad decrypt".
std::string openssl_reason();

// An error with OpenSSL's reason behind `what`.
std::unexpected<Error> openssl_failure(std::string_view code, std::string what);

// Seconds since 1970; 0 for a missing or unreadable time.
int64_t to_unix(const ASN1_TIME* time);

// RFC 2253, UTF-8.
std::string to_text(const X509_NAME* name);

// Upper-case hexadecimal without a sign, as `openssl x509 -serial` prints it.
std::string serial_text(const ASN1_INTEGER* number);
// Lower case, no separators.
std::string octets_text(const ASN1_OCTET_STRING* octets);

}  // namespace sallyport::pki
