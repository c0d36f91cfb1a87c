// Reads what a certificate says out of OpenSSL's object. Any thread.
#pragma once

#include "pki/certificate.h"

namespace sallyport::pki {

// Never fails: what cannot be read stays empty.
CertificateInfo decode_certificate(x509_st* certificate);

}  // namespace sallyport::pki
