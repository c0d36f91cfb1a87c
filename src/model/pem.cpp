#include "model/pem.h"

#include <array>
#include <memory>
#include <span>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/json.h"
#include "base/text.h"

namespace sallyport::model::pem {
namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

BioPtr reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// An encrypted key is refused; without this OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

CertificatePtr read_certificate(std::string_view text) {
  return CertificatePtr(PEM_read_bio_X509(reader(text).get(), nullptr, no_passphrase, nullptr));
}

KeyPtr read_private_key(std::string_view text) {
  return KeyPtr(PEM_read_bio_PrivateKey(reader(text).get(), nullptr, no_passphrase, nullptr));
}

KeyPtr read_public_key(std::string_view text) {
  return KeyPtr(PEM_read_bio_PUBKEY(reader(text).get(), nullptr, no_passphrase, nullptr));
}

// The reason that OpenSSL gave last: "no start line".
std::string reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  std::string result = text == nullptr ? "it cannot be read" : text;
  ERR_clear_error();
  return result;
}

const std::string* text_of(const Json& record, const char* field) {
  auto found = record.find(field);
  bool text = found != record.end() && found->is_string();
  return text ? found->get_ptr<const std::string*>() : nullptr;
}

bool has_base64url(const Json& jwk, std::initializer_list<const char*> members) {
  for (const char* member : members) {
    const std::string* text = text_of(jwk, member);
    if (text == nullptr || text->empty()) return false;
    for (char c : *text) {
      if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_' && c != '=') {
        return false;
      }
    }
  }
  return true;
}

// RFC 7518 section 6, RFC 8037 section 2
bool sound_jwk(const Json& jwk) {
  const std::string* type = text_of(jwk, "kty");
  if (type == nullptr) return false;
  if (*type == "RSA") return has_base64url(jwk, {"n", "e"});
  if (*type == "EC") return text_of(jwk, "crv") != nullptr && has_base64url(jwk, {"x", "y"});
  if (*type == "OKP") return text_of(jwk, "crv") != nullptr && has_base64url(jwk, {"x"});
  return *type == "oct" && has_base64url(jwk, {"k"});
}

}  // namespace

bool is_vault_reference(std::string_view text) {
  return text.starts_with("{vault://") && text.ends_with('}');
}

std::string certificate_fault(std::string_view text) {
  return read_certificate(text) ? "" : "invalid certificate: " + reason();
}

std::string private_key_fault(std::string_view text) {
  return read_private_key(text) ? "" : "invalid key: " + reason();
}

std::string public_key_fault(std::string_view text) {
  if (read_public_key(text) || read_private_key(text)) return {};
  ERR_clear_error();
  return "invalid key";
}

bool key_fits(std::string_view certificate, std::string_view private_key) {
  CertificatePtr parsed = read_certificate(certificate);
  KeyPtr key = read_private_key(private_key);
  bool fits = parsed && key && X509_check_private_key(parsed.get(), key.get()) == 1;
  ERR_clear_error();
  return fits;
}

int key_type(std::string_view certificate) {
  CertificatePtr parsed = read_certificate(certificate);
  EVP_PKEY* key = parsed ? X509_get0_pubkey(parsed.get()) : nullptr;
  ERR_clear_error();
  return key == nullptr ? 0 : EVP_PKEY_get_base_id(key);
}

std::string authority_fault(std::string_view text, int64_t now) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  size_t first = text.find(kBegin);
  if (first != text.npos && text.find(kBegin, first + 1) != text.npos) {
    return "please submit only one certificate at a time";
  }
  CertificatePtr parsed = read_certificate(text);
  if (!parsed) return certificate_fault(text);
  time_t at = static_cast<time_t>(now);
  if (X509_cmp_time(X509_get0_notAfter(parsed.get()), &at) < 0) {
    return "certificate expired, \"Not After\" time is in the past";
  }
  std::unique_ptr<BASIC_CONSTRAINTS, Freed<BASIC_CONSTRAINTS_free>> basic(
      static_cast<BASIC_CONSTRAINTS*>(
          X509_get_ext_d2i(parsed.get(), NID_basic_constraints, nullptr, nullptr)));
  if (basic && basic->ca != 0) return {};
  return "certificate does not appear to be a CA because it is missing the \"CA\" basic constraint";
}

std::string digest(std::string_view certificate) {
  CertificatePtr parsed = read_certificate(certificate);
  std::array<uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  if (!parsed || X509_digest(parsed.get(), EVP_sha256(), out.data(), &length) != 1) {
    ERR_clear_error();
    return {};
  }
  return text::hex(std::span(out).first(length));
}

std::string key_pair_fault(const Json& pair) {
  const std::string* public_text = text_of(pair, "public_key");
  const std::string* private_text = text_of(pair, "private_key");
  for (const std::string* text : {public_text, private_text}) {
    if (text != nullptr && is_vault_reference(*text)) return {};
  }
  KeyPtr public_key = public_text == nullptr ? nullptr : read_public_key(*public_text);
  KeyPtr private_key = private_text == nullptr ? nullptr : read_private_key(*private_text);
  ERR_clear_error();
  if (public_text != nullptr && !public_key) return "could not load public key";
  if (private_text != nullptr && !private_key) return "could not load private key";
  if (public_key && private_key && EVP_PKEY_eq(public_key.get(), private_key.get()) != 1) {
    ERR_clear_error();
    return "public key does not match private key";
  }
  return {};
}

std::string jwk_fault(std::string_view text, std::string_view kid) {
  if (is_vault_reference(text)) return {};
  Json jwk = parse_json(text);
  if (jwk.is_discarded() || !jwk.is_object()) return "could not load JWK, likely not a valid key";
  const std::string* own = text_of(jwk, "kid");
  if (own == nullptr || *own != kid) return "kid in jwk.kid must be equal to keys.kid";
  return sound_jwk(jwk) ? "" : "could not load JWK, likely not a valid key";
}

}  // namespace sallyport::model::pem
