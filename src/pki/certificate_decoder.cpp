#include "pki/certificate_decoder.h"

#include <array>
#include <utility>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "base/text.h"
#include "pki/openssl.h"

namespace sallyport::pki {
namespace {

std::string to_utf8(const ASN1_STRING* value) {
  unsigned char* text = nullptr;
  int length = ASN1_STRING_to_UTF8(&text, value);
  if (length < 0) return {};
  std::string out(reinterpret_cast<char*>(text), static_cast<size_t>(length));
  OPENSSL_free(text);
  return out;
}

std::string common_name(const X509_NAME* name) {
  int last = -1;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;) last = at;
  if (last < 0) return {};
  return to_utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  char buffer[INET6_ADDRSTRLEN];
  int length = ASN1_STRING_length(address);
  int family = length == 4 ? AF_INET : AF_INET6;
  if (length != 4 && length != 16) return {};
  return inet_ntop(family, ASN1_STRING_get0_data(address), buffer, sizeof buffer);
}

void read_names(X509* certificate, CertificateInfo& info) {
  NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    const void* value = GENERAL_NAME_get0_value(name, &type);
    switch (type) {
      case GEN_DNS:
        info.dns_names.push_back(to_utf8(static_cast<const ASN1_STRING*>(value)));
        break;
      case GEN_IPADD:
        info.ip_addresses.push_back(address_text(static_cast<const ASN1_OCTET_STRING*>(value)));
        break;
      case GEN_EMAIL:
        info.other_names.push_back("email:" + to_utf8(static_cast<const ASN1_STRING*>(value)));
        break;
      case GEN_URI:
        info.other_names.push_back("URI:" + to_utf8(static_cast<const ASN1_STRING*>(value)));
        break;
      case GEN_DIRNAME:
        info.other_names.push_back("DN:" + to_text(static_cast<const X509_NAME*>(value)));
        break;
      default:
        info.other_names.push_back("other");
    }
  }
}

void read_key_usage(X509* certificate, CertificateInfo& info) {
  // RFC 5280 section 4.2.1.3.
  constexpr std::array<std::pair<uint32_t, const char*>, 9> kUsages = {
      {{KU_DIGITAL_SIGNATURE, "digitalSignature"},
       {KU_NON_REPUDIATION, "nonRepudiation"},
       {KU_KEY_ENCIPHERMENT, "keyEncipherment"},
       {KU_DATA_ENCIPHERMENT, "dataEncipherment"},
       {KU_KEY_AGREEMENT, "keyAgreement"},
       {KU_KEY_CERT_SIGN, "keyCertSign"},
       {KU_CRL_SIGN, "cRLSign"},
       {KU_ENCIPHER_ONLY, "encipherOnly"},
       {KU_DECIPHER_ONLY, "decipherOnly"}}};
  uint32_t usage = X509_get_key_usage(certificate);
  info.has_key_usage = usage != UINT32_MAX;
  if (!info.has_key_usage) return;
  for (auto [bit, word] : kUsages) {
    if ((usage & bit) != 0) info.key_usage.emplace_back(word);
  }
}

void read_extended_key_usage(X509* certificate, CertificateInfo& info) {
  Owned<EXTENDED_KEY_USAGE, free_usages> usages(static_cast<EXTENDED_KEY_USAGE*>(
      X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
  info.has_extended_key_usage = usages != nullptr;
  for (int i = 0; usages && i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    const ASN1_OBJECT* object = sk_ASN1_OBJECT_value(usages.get(), i);
    int id = OBJ_obj2nid(object);
    if (id != NID_undef) {
      info.extended_key_usage.emplace_back(OBJ_nid2sn(id));
      continue;
    }
    char oid[128];
    OBJ_obj2txt(oid, sizeof oid, object, 1);
    info.extended_key_usage.emplace_back(oid);
  }
  info.server_auth = X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0) == 1;
  info.client_auth = X509_check_purpose(certificate, X509_PURPOSE_SSL_CLIENT, 0) == 1;
}

void read_authority(X509* certificate, CertificateInfo& info) {
  int at = X509_get_ext_by_NID(certificate, NID_basic_constraints, -1);
  info.has_basic_constraints = at >= 0;
  info.basic_constraints_critical =
      at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(certificate, at)) == 1;
  // 1: basicConstraints CA:TRUE; 3: version 1 and self-signed.
  int ca = X509_check_ca(certificate);
  info.ca = ca == 1 || ca == 3;
  info.path_length = static_cast<int>(X509_get_pathlen(certificate));
  info.subject_key_id = octets_text(X509_get0_subject_key_id(certificate));
  info.authority_key_id = octets_text(X509_get0_authority_key_id(certificate));
}

void read_signature(X509* certificate, CertificateInfo& info) {
  int algorithm = X509_get_signature_nid(certificate);
  info.signature_algorithm = OBJ_nid2sn(algorithm);
  int digest = NID_undef;
  int key_type = NID_undef;
  if (OBJ_find_sigid_algs(algorithm, &digest, &key_type) == 1) {
    info.weak_signature = digest == NID_md5 || digest == NID_sha1 || digest == NID_md5_sha1;
  }
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) {
    info.key = "unknown";
    info.key_weakness = "the public key cannot be read";
    return;
  }
  Key public_key = Key::from_native(key);
  info.key = public_key.describe();
  info.key_weakness = public_key.weakness();
  info.self_signed = X509_self_signed(certificate, 1) == 1;
}

}  // namespace

CertificateInfo decode_certificate(x509_st* certificate) {
  CertificateInfo info;
  info.subject = to_text(X509_get_subject_name(certificate));
  info.issuer = to_text(X509_get_issuer_name(certificate));
  info.common_name = common_name(X509_get_subject_name(certificate));
  info.serial = serial_text(X509_get0_serialNumber(certificate));
  info.version = static_cast<int>(X509_get_version(certificate)) + 1;
  info.not_before = to_unix(X509_get0_notBefore(certificate));
  info.not_after = to_unix(X509_get0_notAfter(certificate));
  read_signature(certificate, info);
  read_names(certificate, info);
  read_key_usage(certificate, info);
  read_extended_key_usage(certificate, info);
  read_authority(certificate, info);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &length) == 1) {
    info.sha256 = text::hex({digest, length});
  }
  ERR_clear_error();
  return info;
}

}  // namespace sallyport::pki
