#include "net/ticket_keys.h"

#include <chrono>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "net/openssl_handles.h"

namespace sallyport::net {
namespace {

int64_t steady_seconds() {
  using namespace std::chrono;
  return duration_cast<seconds>(steady_clock::now().time_since_epoch()).count();
}

// Where a context keeps its TicketKeys.
int context_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool set_keys(const TicketKeys::Key& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, bool seal) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                        const_cast<unsigned char*>(key.mac.data()), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
      OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv,
                           seal ? 1 : 0) == 1 &&
         EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// Answers as SSL_CTX_set_tlsext_ticket_key_evp_cb(3) says: -1 an error, 0 an unknown key (a full
// handshake), 1 opened, 2 opened and to be replaced.
int seal_or_open(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                 EVP_MAC_CTX* mac, int seal) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index()));
  TicketKeys::Key key;
  int answer = -1;
  if (seal == 1) {
    if (keys->sealing(steady_seconds(), key) &&
        RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1) {
      std::memcpy(name, key.name.data(), key.name.size());
      answer = set_keys(key, iv, cipher, mac, true) ? 1 : -1;
    }
  } else {
    bool old = false;
    if (!keys->opening(steady_seconds(), name, key, old)) return 0;
    // RFC 8446 appendix C.4: a ticket of TLS 1.3 is for one use.
    const bool renew = old || SSL_version(ssl) == TLS1_3_VERSION;
    answer = !set_keys(key, iv, cipher, mac, false) ? -1 : renew ? 2 : 1;
  }
  OPENSSL_cleanse(&key, sizeof(key));
  return answer;
}

}  // namespace

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(&current_, sizeof(current_));
  OPENSSL_cleanse(&former_, sizeof(former_));
}

bool TicketKeys::rotate(int64_t now) {
  if (has_current_ && now - current_since_ < period_s_) return true;
  Key fresh;
  if (RAND_bytes(fresh.name.data(), static_cast<int>(fresh.name.size())) != 1 ||
      RAND_priv_bytes(fresh.cipher.data(), static_cast<int>(fresh.cipher.size())) != 1 ||
      RAND_priv_bytes(fresh.mac.data(), static_cast<int>(fresh.mac.size())) != 1) {
    return false;
  }
  // After a pause of two periods even the last key is too old.
  has_former_ = has_current_ && now - current_since_ < 2 * period_s_;
  former_ = current_;
  if (!has_former_) OPENSSL_cleanse(&former_, sizeof(former_));
  current_ = fresh;
  OPENSSL_cleanse(&fresh, sizeof(fresh));
  current_since_ = now;
  has_current_ = true;
  return true;
}

bool TicketKeys::sealing(int64_t now, Key& out) {
  const std::lock_guard lock(mutex_);
  if (!rotate(now)) return false;
  out = current_;
  return true;
}

bool TicketKeys::opening(int64_t now, const unsigned char* name, Key& out, bool& old) {
  const std::lock_guard lock(mutex_);
  if (!rotate(now)) return false;
  auto named = [name](const Key& key) {
    return std::memcmp(key.name.data(), name, key.name.size()) == 0;
  };
  old = !named(current_);
  if (old && !(has_former_ && named(former_))) return false;
  out = old ? former_ : current_;
  return true;
}

void TicketKeys::use_on(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, context_index(), this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &seal_or_open);
}

}  // namespace sallyport::net
