#include "model/digests.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include "base/text.h"

namespace sallyport::model::digests {
namespace {

constexpr int kIterations = 10'000;
constexpr size_t kHashBytes = 32;

std::string unpadded(std::span<const uint8_t> bytes) {
  std::string text =
      text::base64(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  while (text.ends_with('=')) text.pop_back();
  return text;
}

}  // namespace

std::string sha1(std::string_view text) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), out.data(), &length, EVP_sha1(), nullptr);
  return text::hex(std::span(out).first(length));
}

std::string password_hash(std::string_view secret) {
  std::array<uint8_t, 16> salt{};
  std::array<uint8_t, kHashBytes> hash{};
  if (getrandom(salt.data(), salt.size(), 0) != static_cast<ssize_t>(salt.size())) std::abort();
  PKCS5_PBKDF2_HMAC(secret.data(), static_cast<int>(secret.size()), salt.data(), salt.size(),
                    kIterations, EVP_sha512(), hash.size(), hash.data());
  return fmt::format("$pbkdf2-sha512$i={},l={}${}${}", kIterations, kHashBytes, unpadded(salt),
                     unpadded(hash));
}

bool is_password_hash(std::string_view text) {
  return text.starts_with("$pbkdf2-sha512$") || text.starts_with("$argon2") ||
         text.starts_with("$2b$");
}

}  // namespace sallyport::model::digests
