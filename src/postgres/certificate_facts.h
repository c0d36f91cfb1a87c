// Reads the facts of a certificate out of OpenSSL's object. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "postgres/link_state.h"

struct x509_st;
struct X509_name_st;
struct asn1_string_st;

namespace sallyport::postgres {

CertificateFacts certificate_facts(const x509_st* certificate);

// RFC 2253 ("CN=db.test,O=lab"), UTF-8 unescaped, control characters escaped.
std::string name_text(const X509_name_st* name);

// Unix seconds; 0 when the certificate holds no readable time.
int64_t unix_time(const asn1_string_st* time);

// "CN=db.test (until 2049-12-31)", for error texts.
std::string brief(const CertificateFacts& facts);
std::string brief(const std::vector<CertificateFacts>& chain);

}  // namespace sallyport::postgres
