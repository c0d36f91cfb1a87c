// An asymmetric key: made here, read from a PEM or DER file, or the public half of a certificate.
// A value (copies share the key, which never changes); any thread. Pass phrases come as Secret and
// are never asked for on a terminal from in here. Clear private text exists only inside a Secret.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

struct evp_pkey_st;  // EVP_PKEY

namespace sallyport::pki {

enum class KeyType : uint8_t { ec, rsa, ed25519, other };

// What kind of key to make: ECDSA P-256, RSA of 2048 to 4096 bits, or Ed25519.
struct KeySpec {
  KeyType type = KeyType::ec;
  int bits = 256;  // of the modulus, for RSA

  bool operator==(const KeySpec&) const = default;
};

// "ec", "rsa" (3072 bits), "rsa:2048" ... "rsa:4096", "ed25519".
// Errors: "pki.key_spec", naming the accepted words.
Result<KeySpec> parse_key_spec(std::string_view word);

// What a file of a private key looks like without opening it.
bool is_encrypted_key(std::string_view pem);

class Key {
 public:
  // Errors: "pki.key_spec" for a weak or unknown kind.
  static Result<Key> generate(const KeySpec& spec);

  // Reads a private key, PKCS#8 or traditional, PEM or DER. `name` is the file, for errors.
  // Errors: "pki.key_encrypted" (no pass phrase given), "pki.passphrase" (a wrong one), "pki.key".
  static Result<Key> parse(std::string_view text, const Secret& passphrase, std::string_view name);

  // Takes a reference of its own.
  static Key from_native(evp_pkey_st* key);

  // PKCS#8 PEM; encrypted with AES-256-CBC and PBKDF2 when `passphrase` is not empty.
  Result<Secret> to_pem(const Secret& passphrase) const;

  KeyType type() const;
  int bits() const;
  KeySpec spec() const { return {type(), bits()}; }
  std::string describe() const;  // "EC P-256", "RSA 2048", "Ed25519"

  // Why the key is too weak for OpenSSL's security level 2 (RSA below 2048 bits, EC below 224);
  // empty when it is strong enough.
  std::string weakness() const;

  // Whether both have the same public half.
  bool matches(const Key& other) const;

  evp_pkey_st* native() const { return key_.get(); }

 private:
  explicit Key(evp_pkey_st* owned);
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace sallyport::pki
