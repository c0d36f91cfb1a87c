#include "postgres/client_identity.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "base/errno_text.h"
#include "base/file.h"
#include "base/secret.h"
#include "postgres/certificate_facts.h"
#include "postgres/content_cache.h"
#include "postgres/openssl_handles.h"

namespace sallyport::postgres {
namespace {

struct X509StackFree {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using X509Stack = std::unique_ptr<STACK_OF(X509), X509StackFree>;

// The two settings and files of one identity, for messages.
struct Names {
  std::string certificate_setting;
  std::string certificate;
  std::string key_setting;
  std::string key;

  std::unexpected<Error> bad_certificate(std::string_view what, std::string remedy) const {
    return fail("conf.pg_ssl_cert", Side::config, fmt::format("{}: {}", certificate_setting, what),
                std::move(remedy));
  }
  std::unexpected<Error> bad_key(std::string_view what, std::string remedy) const {
    return fail("conf.pg_ssl_cert_key", Side::config, fmt::format("{}: {}", key_setting, what),
                std::move(remedy));
  }
};

Result<std::string> read_certificate(const Names& names) {
  auto content = read_file(names.certificate);
  if (content) return content;
  if (content.error().code == "file.missing") {
    // libpq would go on without a certificate, and the server's answer would blame something else.
    return names.bad_certificate(
        fmt::format("client certificate file \"{}\" does not exist", names.certificate),
        "Name the PEM file of the client certificate");
  }
  return names.bad_certificate(fmt::format("could not open certificate file \"{}\": {}",
                                           names.certificate, content.error().detail),
                               "The gateway's user must be able to read it");
}

// PostgreSQL's rule for private keys: its owner's alone, or root's with read access for a group.
Result<Secret> read_key(const Names& names) {
  struct stat status;
  if (stat(names.key.c_str(), &status) != 0) {
    int error = errno;
    if (error == ENOENT || error == ENOTDIR) {
      return names.bad_key(
          fmt::format("certificate present, but not private key file \"{}\"", names.key),
          fmt::format("Set {} to the key of {}", names.key_setting, names.certificate));
    }
    return names.bad_key(
        fmt::format("could not stat private key file \"{}\": {}", names.key, errno_text(error)),
        "The gateway's user must be able to read it");
  }
  if (!S_ISREG(status.st_mode)) {
    return names.bad_key(fmt::format("private key file \"{}\" is not a regular file", names.key),
                         fmt::format("Name the key of {}", names.certificate));
  }
  mode_t forbidden = status.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  if ((status.st_mode & forbidden) != 0) {
    return names.bad_key(
        fmt::format("private key file \"{}\" has group or world access; file must have permissions "
                    "u=rw (0600) or less if owned by the current user, or permissions u=rw,g=r "
                    "(0640) or less if owned by root (its mode is {:04o})",
                    names.key, status.st_mode & 07777),
        fmt::format("chmod 0600 {}; for a Kubernetes secret set defaultMode: 0400", names.key));
  }
  auto content = read_file(names.key);
  if (!content) {
    return names.bad_key(fmt::format("could not load private key file \"{}\": {}", names.key,
                                     content.error().detail),
                         "The gateway's user must be able to read it");
  }
  return Secret(std::move(*content));
}

// The leaf is the first certificate, its chain what follows.
Result<X509Stack> parse_certificates(const Names& names, const std::string& pem) {
  X509Stack chain(sk_X509_new_null());
  ERR_clear_error();
  BioHandle bio = memory_bio(pem);
  while (X509* certificate = PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)) {
    if (sk_X509_push(chain.get(), certificate) == 0) X509_free(certificate);
  }
  bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  std::string why = last_openssl_error();
  if (at_end && sk_X509_num(chain.get()) > 0) return chain;
  return names.bad_certificate(
      fmt::format("could not read certificate file \"{}\": {}", names.certificate, why),
      pem.starts_with("\x30\x82")
          ? fmt::format(
                "It is in DER form; convert it: openssl x509 -inform der -in {} -out {}.pem",
                names.certificate, names.certificate)
          : "It must hold the client certificate in PEM form, followed by its intermediates");
}

int note_pass_phrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<KeyHandle> parse_key(const Names& names, const Secret& content) {
  bool asked = false;
  ERR_clear_error();
  BioHandle bio = memory_bio(content.reveal());
  KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, note_pass_phrase, &asked));
  std::string why = key ? "" : last_openssl_error();
  if (!key && !asked) {
    BioHandle again = memory_bio(content.reveal());
    key.reset(d2i_PrivateKey_bio(again.get(), nullptr));
    ERR_clear_error();
  }
  if (key) return key;
  if (asked) {
    return names.bad_key(
        fmt::format(
            "could not load private key file \"{}\": processing error: it is encrypted, and "
            "nobody is there to type the pass phrase",
            names.key),
        fmt::format("openssl pkey -in {} -out plain.key; chmod 0600 plain.key", names.key));
  }
  return names.bad_key(fmt::format("could not load private key file \"{}\": {}", names.key, why),
                       "It must hold a private key in PEM or DER form");
}

}  // namespace

struct ClientIdentity::Parsed {
  X509Handle leaf;
  X509Stack chain;  // without the leaf; may be empty
  KeyHandle key;
};

Result<ClientIdentity> ClientIdentity::load(const std::string& certificate, const std::string& key,
                                            const std::string& prefix) {
  if (certificate.empty()) return ClientIdentity();
  Names names{prefix + "ssl_cert", certificate, prefix + "ssl_cert_key", key};
  auto pem = read_certificate(names);
  if (!pem) return fail(pem.error());
  auto chain = parse_certificates(names, *pem);
  if (!chain) return fail(chain.error());
  auto secret = read_key(names);
  if (!secret) return fail(secret.error());
  auto parsed_key = parse_key(names, *secret);
  if (!parsed_key) return fail(parsed_key.error());

  auto fresh = std::make_shared<Parsed>();
  fresh->leaf.reset(sk_X509_shift(chain->get()));
  fresh->chain = std::move(*chain);
  fresh->key = std::move(*parsed_key);
  if (X509_check_private_key(fresh->leaf.get(), fresh->key.get()) != 1) {
    return names.bad_key(
        fmt::format(
            "could not load private key file \"{}\": {}: certificate does not match private "
            "key file",
            key, last_openssl_error()),
        fmt::format("Compare: openssl x509 -in {} -noout -pubkey; openssl pkey -in {} -pubout",
                    certificate, key));
  }
  return ClientIdentity(std::move(fresh));
}

CertificateFacts ClientIdentity::facts() const {
  return parsed_ ? certificate_facts(parsed_->leaf.get()) : CertificateFacts{};
}

bool ClientIdentity::give_to(ssl_st* ssl) const {
  if (!parsed_) return true;
  STACK_OF(X509)* chain = sk_X509_num(parsed_->chain.get()) > 0 ? parsed_->chain.get() : nullptr;
  return SSL_use_cert_and_key(ssl, parsed_->leaf.get(), parsed_->key.get(), chain, 1) == 1;
}

}  // namespace sallyport::postgres
