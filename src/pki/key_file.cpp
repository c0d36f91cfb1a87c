#include "pki/key_file.h"

#include <sys/stat.h>

#include "base/file.h"

namespace sallyport::pki {
namespace {

constexpr size_t kMostBytes = 256u << 10;

}  // namespace

Result<Key> load_key(const std::string& path, const PassphraseSource& passphrase) {
  auto text = read_file(path, kMostBytes);
  if (!text) return fail(text.error());
  Secret content(std::move(*text));
  if (!is_encrypted_key(content.reveal())) return Key::parse(content.reveal(), {}, path);
  auto phrase = passphrase(path);
  if (!phrase) return fail(phrase.error());
  return Key::parse(content.reveal(), *phrase, path);
}

PassphraseSource fixed_passphrase(Secret passphrase) {
  return [secret = std::move(passphrase)](const std::string&) -> Result<Secret> { return secret; };
}

uint32_t key_mode(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return 0600;
  uint32_t mode = status.st_mode & 0777;
  if (mode == 0400 || mode == 0600) return mode;
  bool root_with_group = status.st_uid == 0 && (mode == 0440 || mode == 0640);
  return root_with_group ? mode : 0600;
}

uint32_t certificate_mode(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return 0644;
  return status.st_mode & 0666;
}

}  // namespace sallyport::pki
