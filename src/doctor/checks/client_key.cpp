// The private key of the client certificate.
#include <fmt/format.h>

#include "doctor/checks/tables.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

constexpr const char* kNone = "no client certificate is in use";

void key(const Evidence& e, Findings& out) {
  if (!e.files.key) return out.skip({}, kNone);
  const KeyFile& item = *e.files.key;
  std::string subject = fmt::format("{}: {}", item.file.setting, item.file.path);
  std::string words = fmt::format("could not load private key file \"{}\"", item.file.path);
  if (item.file.state != FileState::good) {
    if (item.file.state == FileState::missing) {
      words = fmt::format("certificate present, but not private key file \"{}\"", item.file.path);
    } else if (item.file.state != FileState::denied) {
      words = fmt::format("private key file \"{}\" is not a regular file", item.file.path);
    }
    FileAdvice advice = advise(item.file);
    return out.fail(subject, fmt::format("{}: {}", words, describe(item.file)), advice.cause,
                    advice.remedy);
  }
  if (item.key || item.encrypted) {
    return out.ok(subject,
                  fmt::format("{}{}, {}", item.key ? item.key->describe() : "encrypted",
                              item.content == Content::der ? ", DER" : "", describe(item.file)));
  }
  out.fail(subject, fmt::format("{}: {}", words, item.fault),
           item.content == Content::empty     ? "the file is empty"
           : item.content == Content::damaged ? "the key in it is cut short or damaged"
                                              : "there is no private key in the file",
           fmt::format("set {} to the private key of the client certificate", item.file.setting));
}

void mode(const Evidence& e, Findings& out) {
  if (!e.files.key) return out.skip({}, kNone);
  const FileFacts& file = e.files.key->file;
  if (file.state != FileState::good) return out.skip(file.path, describe(file));
  if (has_private_mode(file)) return out.ok(file.path, describe(file));
  out.fail(file.path,
           fmt::format("{}; private key file \"{}\" has group or world access", describe(file),
                       file.path),
           "libpq refuses a key that others can read: it must be u=rw (0600) or less, or, owned by "
           "root, u=rw,g=r (0640) or less. Kubernetes mounts secrets 0644 unless defaultMode says "
           "otherwise, and fsGroup adds group rights",
           fmt::format("chmod 0600 {} (Kubernetes: defaultMode: 0400)", file.path));
}

void encrypted(const Evidence& e, Findings& out) {
  if (!e.files.key) return out.skip({}, kNone);
  const KeyFile& item = *e.files.key;
  if (item.file.state != FileState::good) return out.skip(item.file.path, describe(item.file));
  if (!item.encrypted) return out.ok(item.file.path, "not encrypted");
  out.fail(
      item.file.path,
      fmt::format("could not load private key file \"{}\": processing error", item.file.path),
      "the key is encrypted and there is nobody to ask for its pass phrase",
      fmt::format("openssl pkey -in {0} -out {0}.clear, chmod 0600 {0}.clear, and set {1} to it",
                  item.file.path, item.file.setting));
}

void match(const Evidence& e, Findings& out) {
  if (!e.files.key) return out.skip({}, kNone);
  const KeyFile& item = *e.files.key;
  if (!e.files.certificate || e.files.certificate->certificates.empty()) {
    return out.skip(item.file.path, "there is no certificate to compare it with");
  }
  if (!item.key) return out.skip(item.file.path, "the key could not be read");
  const auto& certificates = e.files.certificate->certificates;
  const std::string& path = e.files.certificate->file.path;
  if (certificates.front().public_key().matches(*item.key)) {
    return out.ok(item.file.path, fmt::format("belongs to {}", path));
  }
  std::string seen =
      fmt::format("could not load private key file \"{}\": key values mismatch", item.file.path);
  for (size_t i = 1; i < certificates.size(); ++i) {
    if (!certificates[i].public_key().matches(*item.key)) continue;
    return out.fail(item.file.path, seen,
                    fmt::format("the key belongs to certificate {} of {}: the client's own "
                                "certificate has to come first, its issuers after it",
                                i + 1, path),
                    fmt::format("put the certificates in {} in order, leaf first", path));
  }
  out.fail(item.file.path, seen,
           fmt::format("certificate and key do not belong together: {} and {}",
                       certificates.front().info().key, item.key->describe()),
           fmt::format("compare: openssl x509 -in {} -noout -pubkey; openssl pkey -in {} -pubout",
                       path, item.file.path));
}

constexpr Check kChecks[] = {
    {"file.client_key", Stage::files, "The client's key can be read",
     "pg_ssl_cert_key names the private key of pg_ssl_cert: PKCS#8 or traditional, PEM or DER, a "
     "regular file.",
     key},
    {"file.client_key.mode", Stage::files, "The client's key is for its owner only",
     "PostgreSQL's client library refuses a key file that group or others may access: mode 0600 "
     "or less, or 0640 or less when root owns it. In Kubernetes set defaultMode: 0400 on the "
     "secret volume; with fsGroup the files get group rights, and then an init container that "
     "copies the key is the usual way out.",
     mode},
    {"file.client_key.encrypted", Stage::files, "The client's key needs no pass phrase",
     "Nobody can be asked for a pass phrase when the gateway opens a connection, so the key has "
     "to be stored in clear, protected by its mode.",
     encrypted},
    {"file.client_key.match", Stage::files, "Certificate and key belong together",
     "The public half of the key must be the one in the first certificate of pg_ssl_cert. A "
     "frequent reason when it is not: the file starts with the intermediate.",
     match},
};

}  // namespace

std::span<const Check> client_key_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
