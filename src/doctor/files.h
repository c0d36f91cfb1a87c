// What the files named by the settings are: read once, with every fault that libpq or OpenSSL would
// stumble over later or silently ignore. Values; the reading blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pki/certificate.h"
#include "pki/key.h"
#include "pki/revocation.h"
#include "postgres/link_settings.h"

namespace sallyport::doctor {

enum class FileState : uint8_t { good, missing, denied, directory, special, unreadable };

struct FileFacts {
  std::string setting;  // "pg_ssl_cert"
  std::string path;     // as the setting has it; "item 2 (text)" for certificates given as text
  FileState state = FileState::good;
  std::string reason;  // "No such file or directory"
  uint32_t mode = 0;   // the nine permission bits
  std::string owner;   // the user's name, or the number
  bool owned_by_root = false;
  bool owned_by_us = false;
};

enum class Content : uint8_t {
  none,     // not read: see FileFacts::state
  pem,      // as it should be
  der,      // the right thing in binary form
  empty,    // no bytes
  other,    // neither PEM nor DER of what is wanted
  damaged,  // a block that is cut short or does not decode
};

// PostgreSQL's rule for a client's key: nobody but the owner; a group may read what root owns.
bool has_private_mode(const FileFacts& file);

// Looks at the file itself, not at what is in it.
FileFacts look_at_file(std::string setting, std::string path);

struct CertificateFile {
  FileFacts file;
  Content content = Content::none;
  std::string fault;  // OpenSSL's words
  std::vector<pki::Certificate> certificates;
  bool holds_private_key = false;
};

struct KeyFile {
  FileFacts file;
  Content content = Content::none;
  std::string fault;
  bool encrypted = false;
  std::optional<pki::Key> key;  // absent when encrypted or faulty
};

struct RevocationFile {
  FileFacts file;
  Content content = Content::none;
  std::string fault;
  std::vector<pki::RevocationList> lists;
};

struct Files {
  std::vector<CertificateFile> trusted;
  std::optional<CertificateFile> certificate;
  std::optional<KeyFile> key;
  std::vector<RevocationFile> lists;  // of pg_ssl_crl, then of pg_ssl_crl_dir
  std::optional<FileFacts> revocation_directory;
  FileFacts hosts;  // dns_hostsfile

  // True when the settings name CRLs that the link looks at.
  bool revocation_asked() const { return !lists.empty() || revocation_directory.has_value(); }

  // All certificates of all trusted items.
  std::vector<pki::Certificate> trusted_certificates() const;
  std::vector<pki::RevocationList> all_lists() const;
};

Files read_files(const postgres::LinkSettings& settings);

// "mode 0600, owner kong", or why it cannot be read: "No such file or directory".
std::string describe(const FileFacts& file);

// Why a file cannot be used and what to do, for the faults that all kinds of files share; empty
// cause when it can be read.
struct FileAdvice {
  std::string cause;
  std::string remedy;
};
FileAdvice advise(const FileFacts& file);

}  // namespace sallyport::doctor
