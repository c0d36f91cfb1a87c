#include "pki/openssl.h"

#include <ctime>

#include <openssl/err.h>

#include "base/text.h"

namespace sallyport::pki {

std::string openssl_reason() {
  unsigned long newest = 0;
  while (unsigned long error = ERR_get_error()) newest = error;
  if (newest == 0) return "no reason given";
  const char* reason = ERR_reason_error_string(newest);
  if (reason != nullptr) return reason;
  char buffer[160];
  ERR_error_string_n(newest, buffer, sizeof buffer);
  return buffer;
}

std::unexpected<Error> openssl_failure(std::string_view code, std::string what) {
  return fail(code, Side::internal, std::move(what) + ": " + openssl_reason());
}

int64_t to_unix(const ASN1_TIME* time) {
  tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

std::string to_text(const X509_NAME* name) {
  BioPtr out(BIO_new(BIO_s_mem()));
  // Characters above ASCII as UTF-8, not as \C3\A9.
  constexpr unsigned long kFlags =
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  X509_NAME_print_ex(out.get(), name, 0, kFlags);
  return content(out.get());
}

std::string serial_text(const ASN1_INTEGER* number) {
  NumberPtr value(ASN1_INTEGER_to_BN(number, nullptr));
  if (!value) return {};
  Owned<char, free_text> digits(BN_bn2hex(value.get()));
  return digits ? std::string(digits.get()) : std::string();
}

std::string octets_text(const ASN1_OCTET_STRING* octets) {
  if (octets == nullptr) return {};
  return text::hex(
      {ASN1_STRING_get0_data(octets), static_cast<size_t>(ASN1_STRING_length(octets))});
}

}  // namespace sallyport::pki
