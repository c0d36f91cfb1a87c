#include "pki/revocation.h"

#include <array>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/file.h"
#include "base/json.h"
#include "pki/openssl.h"

namespace sallyport::pki {
namespace {

constexpr size_t kMostBytes = 64u << 20;

// RFC 5280 section 5.3.1.
constexpr std::array<std::pair<int, std::string_view>, 9> kReasons = {{{1, "keyCompromise"},
                                                                       {2, "cACompromise"},
                                                                       {3, "affiliationChanged"},
                                                                       {4, "superseded"},
                                                                       {5, "cessationOfOperation"},
                                                                       {6, "certificateHold"},
                                                                       {8, "removeFromCRL"},
                                                                       {9, "privilegeWithdrawn"},
                                                                       {10, "aACompromise"}}};
// A hold can be lifted, the rest is not about public key certificates.
constexpr std::string_view kNotOffered = "certificateHold removeFromCRL aACompromise";

std::string reason_of(const X509_REVOKED* entry) {
  Owned<ASN1_ENUMERATED, ASN1_ENUMERATED_free> code(static_cast<ASN1_ENUMERATED*>(
      X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr)));
  if (!code) return {};
  long value = ASN1_ENUMERATED_get(code.get());
  for (auto [number, word] : kReasons) {
    if (number == value) return std::string(word);
  }
  return {};
}

RevokedCertificate decode(const X509_REVOKED* entry) {
  return {serial_text(X509_REVOKED_get0_serialNumber(entry)),
          to_unix(X509_REVOKED_get0_revocationDate(entry)),
          reason_of(entry),
          {}};
}

}  // namespace

bool is_revocation_reason(std::string_view word) {
  for (auto [number, reason] : kReasons) {
    if (word == reason) return kNotOffered.find(word) == kNotOffered.npos;
  }
  return false;
}

std::string revocation_reasons() {
  std::string out;
  for (auto [number, reason] : kReasons) {
    if (!is_revocation_reason(reason)) continue;
    if (!out.empty()) out += ", ";
    out += reason;
  }
  return out;
}

RevocationList::RevocationList(X509_crl_st* owned) : list_(owned, X509_CRL_free) {}

RevocationList RevocationList::from_native(X509_crl_st* list) {
  X509_CRL_up_ref(list);
  return RevocationList(list);
}

Result<std::vector<RevocationList>> RevocationList::load(const std::string& path) {
  auto text = read_file(path, kMostBytes);
  if (!text) return fail(text.error());
  return parse(*text, path);
}

Result<std::vector<RevocationList>> RevocationList::parse(std::string_view text,
                                                          std::string_view name) {
  std::vector<RevocationList> out;
  ERR_clear_error();
  if (text.find("-----BEGIN ") == text.npos) {
    const auto* data = reinterpret_cast<const unsigned char*>(text.data());
    X509_CRL* one = d2i_X509_CRL(nullptr, &data, static_cast<long>(text.size()));
    if (one != nullptr) out.push_back(RevocationList(one));
    ERR_clear_error();
  } else {
    BioPtr in = reader(text);
    while (X509_CRL* one = PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)) {
      out.push_back(RevocationList(one));
    }
    // The end of a PEM file is an error too, of this one kind.
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
      return fail("pki.crl", Side::config,
                  fmt::format("revocation list {} of {} is damaged ({})", out.size() + 1, name,
                              openssl_reason()));
    }
    ERR_clear_error();
  }
  if (out.empty()) {
    return fail("pki.no_crl", Side::config, fmt::format("{} holds no revocation list", name));
  }
  return out;
}

std::string RevocationList::pem() const {
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(out.get(), native());
  return content(out.get());
}

std::string RevocationList::issuer() const {
  return to_text(X509_CRL_get_issuer(native()));
}

int64_t RevocationList::number() const {
  IntegerPtr number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(native(), NID_crl_number, nullptr, nullptr)));
  int64_t value = 0;
  if (!number || ASN1_INTEGER_get_int64(&value, number.get()) != 1) ERR_clear_error();
  return value;
}

int64_t RevocationList::last_update() const {
  return to_unix(X509_CRL_get0_lastUpdate(native()));
}
int64_t RevocationList::next_update() const {
  return to_unix(X509_CRL_get0_nextUpdate(native()));
}

std::vector<RevokedCertificate> RevocationList::revoked() const {
  std::vector<RevokedCertificate> out;
  STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(native());
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    out.push_back(decode(sk_X509_REVOKED_value(entries, i)));
  }
  return out;
}

std::optional<RevokedCertificate> RevocationList::find(std::string_view serial) const {
  for (RevokedCertificate& entry : revoked()) {
    if (entry.serial == serial) return std::move(entry);
  }
  return std::nullopt;
}

bool RevocationList::signed_by(const Certificate& issuer) const {
  bool named =
      X509_NAME_cmp(X509_CRL_get_issuer(native()), X509_get_subject_name(issuer.native())) == 0;
  EVP_PKEY* key = X509_get0_pubkey(issuer.native());
  bool made = named && key != nullptr && X509_CRL_verify(native(), key) == 1;
  ERR_clear_error();
  return made;
}

std::string RevocationList::issuer_hash() const {
  int ok = 0;
  unsigned long hash = X509_NAME_hash_ex(X509_CRL_get_issuer(native()), nullptr, nullptr, &ok);
  return fmt::format("{:08x}", hash);
}

Json to_json(const RevocationList& list, int64_t now) {
  Json entries = Json::array();
  for (const RevokedCertificate& entry : list.revoked()) {
    entries.push_back(
        {{"serial", entry.serial}, {"revoked_at", entry.revoked_at}, {"reason", entry.reason}});
  }
  return Json{{"issuer", list.issuer()},
              {"number", list.number()},
              {"last_update", list.last_update()},
              {"next_update", list.next_update()},
              {"seconds_left", list.next_update() - now},
              {"revoked", std::move(entries)}};
}

namespace {

Result<void> check_signer(const Authority& authority) {
  const CertificateInfo& info = authority.certificate.info();
  auto refuse = [&](std::string_view why) {
    return fail("pki.issuer", Side::config, fmt::format("{} {}", info.subject, why));
  };
  if (!info.ca) return refuse("is not a certificate authority, so it has no revocation list");
  bool may = !info.has_key_usage;
  for (const std::string& usage : info.key_usage) may = may || usage == "cRLSign";
  if (!may) return refuse("may not sign revocation lists: its keyUsage lacks cRLSign");
  if (!authority.certificate.public_key().matches(authority.key)) {
    return refuse("and the key beside it do not belong together");
  }
  return {};
}

bool add_entry(X509_CRL* list, const RevokedCertificate& revoked) {
  Owned<X509_REVOKED, X509_REVOKED_free> entry(X509_REVOKED_new());
  BIGNUM* parsed = nullptr;
  if (BN_hex2bn(&parsed, revoked.serial.c_str()) == 0) return false;
  NumberPtr number(parsed);
  IntegerPtr serial(BN_to_ASN1_INTEGER(number.get(), nullptr));
  TimePtr when(ASN1_TIME_set(nullptr, revoked.revoked_at));
  if (!entry || !serial || !when || X509_REVOKED_set_serialNumber(entry.get(), serial.get()) != 1 ||
      X509_REVOKED_set_revocationDate(entry.get(), when.get()) != 1) {
    return false;
  }
  for (auto [code, word] : kReasons) {
    if (word != revoked.reason) continue;
    Owned<ASN1_ENUMERATED, ASN1_ENUMERATED_free> reason(ASN1_ENUMERATED_new());
    if (ASN1_ENUMERATED_set(reason.get(), code) != 1 ||
        X509_REVOKED_add1_ext_i2d(entry.get(), NID_crl_reason, reason.get(), 0, 0) != 1) {
      return false;
    }
  }
  return X509_CRL_add0_revoked(list, entry.release()) == 1;
}

bool add_number(X509_CRL* list, int64_t number) {
  IntegerPtr value(ASN1_INTEGER_new());
  return ASN1_INTEGER_set_int64(value.get(), number) == 1 &&
         X509_CRL_add1_ext_i2d(list, NID_crl_number, value.get(), 0, 0) == 1;
}

bool add_issuer_key(X509_CRL* list, X509* issuer) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, nullptr, nullptr, list, 0);
  // An issuer of version 1 has no key identifier to name.
  if (X509_get0_subject_key_id(issuer) == nullptr) return true;
  ExtensionPtr extension(
      X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid:always"));
  return extension && X509_CRL_add_ext(list, extension.get(), -1) == 1;
}

}  // namespace

Result<RevocationList> RevocationList::sign(const Authority& authority,
                                            const std::vector<RevokedCertificate>& revoked,
                                            int64_t number, int days, int64_t now) {
  if (auto checked = check_signer(authority); !checked) return fail(checked.error());
  constexpr int kMostDays = 3650;
  if (days < 1 || days > kMostDays) {
    return fail("pki.validity", Side::config,
                fmt::format("a revocation list for {} days is out of range", days),
                fmt::format("Use 1 to {}", kMostDays));
  }
  X509* issuer = authority.certificate.native();
  CrlPtr out(X509_CRL_new());
  TimePtr last(ASN1_TIME_set(nullptr, now - kClockSkewSeconds));
  TimePtr next(ASN1_TIME_set(nullptr, now + days * int64_t{86400}));
  bool made = out && last && next && X509_CRL_set_version(out.get(), X509_CRL_VERSION_2) == 1 &&
              X509_CRL_set_issuer_name(out.get(), X509_get_subject_name(issuer)) == 1 &&
              X509_CRL_set1_lastUpdate(out.get(), last.get()) == 1 &&
              X509_CRL_set1_nextUpdate(out.get(), next.get()) == 1 &&
              add_issuer_key(out.get(), issuer) && add_number(out.get(), number);
  for (const RevokedCertificate& entry : revoked) made = made && add_entry(out.get(), entry);
  const EVP_MD* digest = authority.key.type() == KeyType::ed25519 ? nullptr : EVP_sha256();
  made = made && X509_CRL_sort(out.get()) == 1 &&
         X509_CRL_sign(out.get(), authority.key.native(), digest) > 0;
  if (!made) return openssl_failure("pki.crl", "cannot sign a revocation list");
  // OpenSSL caches what it parses: only a list that was read knows its own entries.
  auto read = parse(RevocationList(out.release()).pem(), "the new revocation list");
  if (!read) return fail(read.error());
  return read->front();
}

}  // namespace sallyport::pki
