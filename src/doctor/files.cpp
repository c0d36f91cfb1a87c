#include "doctor/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/file.h"
#include "base/text.h"
#include "postgres/trust_anchors.h"

namespace sallyport::doctor {
namespace {

constexpr size_t kMaxListedCrls = 1000;

std::string user_name(uid_t uid) {
  char buffer[1024];
  passwd entry;
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return fmt::format("user {}", uid);
}

// The content of a regular file; nothing, with the reason in `facts`, otherwise.
std::optional<std::string> content_of(FileFacts& facts) {
  if (facts.state != FileState::good) return std::nullopt;
  auto content = read_file(facts.path);
  if (content) return std::move(*content);
  facts.state =
      content.error().code == "file.permission" ? FileState::denied : FileState::unreadable;
  facts.reason = facts.state == FileState::denied ? "Permission denied" : content.error().detail;
  return std::nullopt;
}

size_t count(std::string_view text, std::string_view word) {
  size_t n = 0;
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + word.size())) ++n;
  return n;
}

// What a text without anything usable in it is; `kind` is the PEM label that is wanted.
Content classify(std::string_view text, std::string_view kind) {
  if (text::trim(text).empty()) return Content::empty;
  if (count(text, kind) > 0) return Content::damaged;
  return Content::other;
}

bool looks_binary(std::string_view text) {
  return !text.empty() && static_cast<unsigned char>(text.front()) == 0x30 &&
         text.find("-----BEGIN") == text.npos;
}

void read_certificates(std::string_view text, CertificateFile& out) {
  out.holds_private_key = text.find("PRIVATE KEY-----") != text.npos;
  auto parsed = pki::Certificate::parse(text, out.file.path);
  bool whole = count(text, "-----BEGIN ") == count(text, "-----END ");
  if (!parsed) {
    out.fault = parsed.error().detail;
    out.content = classify(text, "CERTIFICATE-----");
    return;
  }
  out.certificates = std::move(*parsed);
  out.content = looks_binary(text) ? Content::der : whole ? Content::pem : Content::damaged;
}

CertificateFile read_certificate_file(std::string setting, std::string path) {
  CertificateFile out;
  out.file = look_at_file(std::move(setting), std::move(path));
  if (auto text = content_of(out.file)) read_certificates(*text, out);
  return out;
}

CertificateFile read_trusted_item(const std::string& item, size_t number) {
  const std::string setting = "lua_ssl_trusted_certificate";
  if (item == "system") {
    std::string store = postgres::system_trust_file();
    return read_certificate_file(setting, store.empty() ? "system" : store);
  }
  bool text = item.find("-----BEGIN") != item.npos;
  auto decoded = text ? std::nullopt : text::from_base64(item);
  bool encoded = decoded && decoded->find("-----BEGIN") != decoded->npos;
  if (!text && !encoded) return read_certificate_file(setting, item);
  CertificateFile out;
  out.file.setting = setting;
  out.file.path = fmt::format("item {} (text)", number);
  read_certificates(text ? std::string_view(item) : std::string_view(*decoded), out);
  return out;
}

KeyFile read_key_file(std::string setting, std::string path) {
  KeyFile out;
  out.file = look_at_file(std::move(setting), std::move(path));
  auto text = content_of(out.file);
  if (!text) return out;
  out.encrypted = pki::is_encrypted_key(*text);
  auto key = pki::Key::parse(*text, Secret(), out.file.path);
  if (key) {
    out.key = std::move(*key);
    out.content = looks_binary(*text) ? Content::der : Content::pem;
  } else if (key.error().code == "pki.key_encrypted") {
    out.encrypted = true;
  }
  if (!key && !out.encrypted) {
    out.fault = key.error().detail;
    out.content = classify(*text, "PRIVATE KEY-----");
  } else if (out.encrypted) {
    out.content = Content::pem;
  }
  // The clear key must not stay behind in freed memory.
  explicit_bzero(text->data(), text->size());
  return out;
}

RevocationFile read_list_file(std::string setting, std::string path) {
  RevocationFile out;
  out.file = look_at_file(std::move(setting), std::move(path));
  auto text = content_of(out.file);
  if (!text) return out;
  auto lists = pki::RevocationList::parse(*text, out.file.path);
  if (!lists) {
    out.fault = lists.error().detail;
    out.content = classify(*text, "X509 CRL-----");
    return out;
  }
  out.lists = std::move(*lists);
  out.content = looks_binary(*text) ? Content::der : Content::pem;
  return out;
}

void read_directory(const std::string& setting, const std::string& path, Files& out) {
  out.revocation_directory = look_at_file(setting, path);
  if (out.revocation_directory->state != FileState::directory) return;
  std::error_code error;
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (names.size() < kMaxListedCrls) names.push_back(entry.path().string());
  }
  if (error) {
    out.revocation_directory->state = FileState::denied;
    out.revocation_directory->reason = error.message();
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    RevocationFile file = read_list_file(setting, name);
    if (file.lists.empty()) continue;  // not a CRL: OpenSSL never looks at it
    out.lists.push_back(std::move(file));
  }
}

}  // namespace

FileFacts look_at_file(std::string setting, std::string path) {
  FileFacts facts;
  facts.setting = std::move(setting);
  facts.path = std::move(path);
  struct stat status;
  if (stat(facts.path.c_str(), &status) != 0) {
    facts.reason = errno_text(errno);
    facts.state = errno == EACCES                       ? FileState::denied
                  : errno == ENOENT || errno == ENOTDIR ? FileState::missing
                                                        : FileState::unreadable;
    return facts;
  }
  facts.mode = status.st_mode & 0777;
  facts.owner = user_name(status.st_uid);
  facts.owned_by_root = status.st_uid == 0;
  facts.owned_by_us = status.st_uid == geteuid();
  if (S_ISDIR(status.st_mode)) {
    facts.state = FileState::directory;
  } else if (!S_ISREG(status.st_mode)) {
    facts.state = FileState::special;
  }
  return facts;
}

bool has_private_mode(const FileFacts& file) {
  return (file.mode & (file.owned_by_root ? 037U : 077U)) == 0;
}

std::string describe(const FileFacts& file) {
  switch (file.state) {
    case FileState::directory:
      return "is a directory";
    case FileState::special:
      return "is not a regular file";
    case FileState::good:
      break;
    default:
      return file.reason;
  }
  if (file.owner.empty()) return "given as text";
  return fmt::format("mode {:04o}, owner {}", file.mode, file.owner);
}

FileAdvice advise(const FileFacts& file) {
  switch (file.state) {
    case FileState::good:
      return {};
    case FileState::missing:
      return {fmt::format("{} names a file that does not exist", file.setting),
              fmt::format("set {} to the right path, or put the file there", file.setting)};
    case FileState::denied:
      return {fmt::format("the user {} may not read it, or not enter one of its directories",
                          user_name(geteuid())),
              fmt::format("chown {} {}, and chmod +x on its directories", user_name(geteuid()),
                          file.path)};
    case FileState::directory:
    case FileState::special:
      return {fmt::format("{} has to name a regular file", file.setting),
              fmt::format("set {} to the file itself", file.setting)};
    case FileState::unreadable:
      break;
  }
  return {"the file cannot be read", "look at the file system and the path"};
}

std::vector<pki::Certificate> Files::trusted_certificates() const {
  std::vector<pki::Certificate> all;
  for (const CertificateFile& item : trusted) {
    all.insert(all.end(), item.certificates.begin(), item.certificates.end());
  }
  return all;
}

std::vector<pki::RevocationList> Files::all_lists() const {
  std::vector<pki::RevocationList> all;
  for (const RevocationFile& file : lists) {
    all.insert(all.end(), file.lists.begin(), file.lists.end());
  }
  return all;
}

Files read_files(const postgres::LinkSettings& settings) {
  Files out;
  auto name = [&](std::string_view rest) { return postgres::setting_name(settings.role, rest); };
  for (size_t i = 0; i < settings.trusted.size(); ++i) {
    out.trusted.push_back(read_trusted_item(settings.trusted[i], i + 1));
  }
  // Without TLS no file is ever opened, and without verification no CRL.
  if (settings.ssl && !settings.certificate.empty()) {
    out.certificate = read_certificate_file(name("pg_ssl_cert"), settings.certificate);
  }
  if (settings.ssl && !settings.key.empty())
    out.key = read_key_file(name("pg_ssl_cert_key"), settings.key);
  bool verify = settings.ssl && settings.verify;
  if (verify && !settings.crl.empty())
    out.lists.push_back(read_list_file(name("pg_ssl_crl"), settings.crl));
  if (verify && !settings.crl_directory.empty()) {
    read_directory(name("pg_ssl_crl_dir"), settings.crl_directory, out);
  }
  if (!settings.hosts_file.empty()) out.hosts = look_at_file("dns_hostsfile", settings.hosts_file);
  return out;
}

}  // namespace sallyport::doctor
