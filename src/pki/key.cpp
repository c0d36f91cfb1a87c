#include "pki/key.h"

#include <cstring>

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>

#include "base/text.h"
#include "pki/openssl.h"

namespace sallyport::pki {
namespace {

constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 4096;
constexpr int kDefaultRsaBits = 3072;

std::unexpected<Error> spec_error(std::string_view word) {
  return fail("pki.key_spec", Side::config, fmt::format("unknown kind of key `{}`", word),
              "Use ec (ECDSA P-256), rsa (RSA 3072), rsa:2048 to rsa:4096, or ed25519");
}

// What the callback below is given, and what it saw.
struct PassphraseRequest {
  const Secret* passphrase;
  bool asked = false;
};

// Without it OpenSSL would ask on the terminal.
int give_passphrase(char* buffer, int size, int, void* data) {
  auto* request = static_cast<PassphraseRequest*>(data);
  request->asked = true;
  const std::string& text = request->passphrase->reveal();
  if (text.empty() || text.size() > static_cast<size_t>(size)) return -1;
  std::memcpy(buffer, text.data(), text.size());
  return static_cast<int>(text.size());
}

std::string curve_of(const EVP_PKEY* key) {
  char name[64];
  size_t length = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &length) != 1) return "unnamed curve";
  std::string_view group(name, length);
  if (group == "prime256v1") return "P-256";
  if (group == "secp384r1") return "P-384";
  if (group == "secp521r1") return "P-521";
  return std::string(group);
}

EVP_PKEY* parse_der(std::string_view text) {
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  return d2i_AutoPrivateKey(nullptr, &data, static_cast<long>(text.size()));
}

using EncryptedKeyPtr = Owned<X509_SIG, X509_SIG_free>;

// PKCS#8 by PBES2. OpenSSL's own default of 2048 rounds is a matter of hours for a guesser; these
// cost 0.14 s of CPU each time the key is opened.
EncryptedKeyPtr encrypt(const EVP_PKEY* key, const Secret& passphrase) {
  constexpr int kRounds = 600000;
  constexpr int kSaltBytes = 16;
  Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free> clear(EVP_PKEY2PKCS8(key));
  X509_ALGOR* scheme = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), kRounds, nullptr, kSaltBytes, nullptr,
                                         NID_hmacWithSHA256);
  if (!clear || scheme == nullptr) return nullptr;
  const std::string& phrase = passphrase.reveal();
  EncryptedKeyPtr out(
      PKCS8_set0_pbe(phrase.data(), static_cast<int>(phrase.size()), clear.get(), scheme));
  if (!out) X509_ALGOR_free(scheme);
  return out;
}

}  // namespace

Result<KeySpec> parse_key_spec(std::string_view word) {
  if (word == "ec") return KeySpec{};
  if (word == "ed25519") return KeySpec{KeyType::ed25519, 256};
  if (word == "rsa") return KeySpec{KeyType::rsa, kDefaultRsaBits};
  if (!word.starts_with("rsa:")) return spec_error(word);
  auto bits = text::to_integer(word.substr(4));
  if (!bits) return spec_error(word);
  if (*bits < kLeastRsaBits || *bits > kMostRsaBits || *bits % 256 != 0) {
    return fail("pki.key_spec", Side::config, fmt::format("RSA of {} bits is refused", *bits),
                *bits < kLeastRsaBits
                    ? "PostgreSQL and OpenSSL do not take less than 2048; use rsa:2048 or more"
                    : "Use rsa:2048 to rsa:4096, in steps of 256");
  }
  return KeySpec{KeyType::rsa, static_cast<int>(*bits)};
}

bool is_encrypted_key(std::string_view pem) {
  return pem.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != pem.npos ||
         pem.find("Proc-Type: 4,ENCRYPTED") != pem.npos;
}

Key::Key(evp_pkey_st* owned) : key_(owned, EVP_PKEY_free) {}

Key Key::from_native(evp_pkey_st* key) {
  EVP_PKEY_up_ref(key);
  return Key(key);
}

Result<Key> Key::generate(const KeySpec& spec) {
  EVP_PKEY* key = nullptr;
  switch (spec.type) {
    case KeyType::ec:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
      break;
    case KeyType::ed25519:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
      break;
    case KeyType::rsa:
      if (spec.bits < kLeastRsaBits || spec.bits > kMostRsaBits) {
        return spec_error(fmt::format("rsa:{}", spec.bits));
      }
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(spec.bits));
      break;
    case KeyType::other:
      return spec_error("other");
  }
  if (key == nullptr) return openssl_failure("pki.key", "cannot make a key");
  return Key(key);
}

Result<Key> Key::parse(std::string_view text, const Secret& passphrase, std::string_view name) {
  PassphraseRequest request{&passphrase};
  EVP_PKEY* key = nullptr;
  if (text.find("-----BEGIN ") != text.npos) {
    key = PEM_read_bio_PrivateKey(reader(text).get(), nullptr, give_passphrase, &request);
  } else {
    key = parse_der(text);
  }
  if (key != nullptr) return Key(key);
  std::string reason = openssl_reason();
  if (request.asked && passphrase.empty()) {
    return fail("pki.key_encrypted", Side::config,
                fmt::format("the key {} is encrypted and no pass phrase was given", name));
  }
  if (request.asked) {
    return fail("pki.passphrase", Side::config,
                fmt::format("the pass phrase does not open the key {}", name));
  }
  return fail("pki.key", Side::config,
              fmt::format("{} holds no private key that can be read ({})", name, reason));
}

Result<Secret> Key::to_pem(const Secret& passphrase) const {
  // Secure memory: wiped when the BIO goes.
  BioPtr out(BIO_new(BIO_s_secmem()));
  bool written = false;
  if (passphrase.empty()) {
    written = PEM_write_bio_PKCS8PrivateKey(out.get(), native(), nullptr, nullptr, 0, nullptr,
                                            nullptr) == 1;
  } else {
    EncryptedKeyPtr encrypted = encrypt(native(), passphrase);
    written = encrypted && PEM_write_bio_PKCS8(out.get(), encrypted.get()) == 1;
  }
  if (!written) return openssl_failure("pki.key", "cannot write a key");
  return Secret(content(out.get()));
}

KeyType Key::type() const {
  if (EVP_PKEY_is_a(native(), "EC") == 1) return KeyType::ec;
  if (EVP_PKEY_is_a(native(), "RSA") == 1) return KeyType::rsa;
  if (EVP_PKEY_is_a(native(), "ED25519") == 1) return KeyType::ed25519;
  return KeyType::other;
}

int Key::bits() const {
  return EVP_PKEY_get_bits(native());
}

std::string Key::describe() const {
  switch (type()) {
    case KeyType::ec:
      return "EC " + curve_of(native());
    case KeyType::rsa:
      return fmt::format("RSA {}", bits());
    case KeyType::ed25519:
      return "Ed25519";
    case KeyType::other:
      break;
  }
  const char* name = EVP_PKEY_get0_type_name(native());
  return fmt::format("{} {}", name == nullptr ? "unknown" : name, bits());
}

std::string Key::weakness() const {
  // OpenSSL's own measure; level 2 of Debian's openssl.cnf wants 112.
  constexpr int kLeastSecurityBits = 112;
  if (EVP_PKEY_get_security_bits(native()) >= kLeastSecurityBits) return {};
  return describe() + " is too weak: OpenSSL refuses less than RSA 2048 or EC 224";
}

bool Key::matches(const Key& other) const {
  return EVP_PKEY_eq(native(), other.native()) == 1;
}

}  // namespace sallyport::pki
