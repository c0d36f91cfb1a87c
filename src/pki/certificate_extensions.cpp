#include "pki/certificate_extensions.h"

#include <algorithm>

#include "pki/authority.h"
#include "pki/openssl.h"

namespace sallyport::pki {
namespace {

void free_key_id(AUTHORITY_KEYID* id) {
  AUTHORITY_KEYID_free(id);
}
void free_octets(ASN1_OCTET_STRING* octets) {
  ASN1_OCTET_STRING_free(octets);
}
using OctetsPtr = Owned<ASN1_OCTET_STRING, free_octets>;

// An extension in the notation of openssl.cnf.
bool add_text(X509* out, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, nullptr, out, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  return extension && X509_add_ext(out, extension.get(), -1) == 1;
}

// RFC 5280 section 4.2.1.2, method 1: SHA-1 of the public key's bits.
OctetsPtr key_identifier(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  OctetsPtr out(ASN1_OCTET_STRING_new());
  if (X509_pubkey_digest(certificate, EVP_sha1(), digest, &length) != 1 ||
      ASN1_OCTET_STRING_set(out.get(), digest, static_cast<int>(length)) != 1) {
    return nullptr;
  }
  return out;
}

// The identifier that certificates below already name, when the key is the same; a fresh one else.
OctetsPtr own_identifier(const X509* out, const Certificate* like) {
  if (like != nullptr &&
      EVP_PKEY_eq(X509_get0_pubkey(out), X509_get0_pubkey(like->native())) == 1) {
    const ASN1_OCTET_STRING* named = X509_get0_subject_key_id(like->native());
    if (named != nullptr) return OctetsPtr(ASN1_OCTET_STRING_dup(named));
  }
  return key_identifier(out);
}

bool add_key_identifiers(X509* out, const X509* issuer, const Certificate* like) {
  OctetsPtr own = own_identifier(out, like);
  if (!own || X509_add1_ext_i2d(out, NID_subject_key_identifier, own.get(), 0, 0) != 1)
    return false;
  // By key only, not by issuer and serial: the issuer can be renewed without touching this one.
  const ASN1_OCTET_STRING* named =
      issuer == out ? own.get() : X509_get0_subject_key_id(const_cast<X509*>(issuer));
  Owned<AUTHORITY_KEYID, free_key_id> authority(AUTHORITY_KEYID_new());
  authority->keyid =
      named != nullptr ? ASN1_OCTET_STRING_dup(named) : key_identifier(issuer).release();
  return authority->keyid != nullptr &&
         X509_add1_ext_i2d(out, NID_authority_key_identifier, authority.get(), 0, 0) == 1;
}

bool add_general_name(GENERAL_NAMES* names, const std::string& text) {
  bool address = is_ip_address(text);
  Owned<GENERAL_NAME, GENERAL_NAME_free> name(
      a2i_GENERAL_NAME(nullptr, nullptr, nullptr, address ? GEN_IPADD : GEN_DNS, text.c_str(), 0));
  if (!name || sk_GENERAL_NAME_push(names, name.get()) == 0) return false;
  static_cast<void>(name.release());
  return true;
}

bool add_names(X509* out, const ExtensionPlan& plan) {
  NamesPtr names;
  std::vector<std::string> present;
  if (plan.like != nullptr) {
    names.reset(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(plan.like->native(), NID_subject_alt_name, nullptr, nullptr)));
    const CertificateInfo& info = plan.like->info();
    present = info.dns_names;
    present.insert(present.end(), info.ip_addresses.begin(), info.ip_addresses.end());
  }
  if (!names) names.reset(GENERAL_NAMES_new());
  for (const std::string& name : plan.names) {
    if (std::ranges::find(present, name) != present.end()) continue;
    if (!add_general_name(names.get(), name)) return false;
    present.push_back(name);
  }
  if (sk_GENERAL_NAME_num(names.get()) == 0) return true;
  return X509_add1_ext_i2d(out, NID_subject_alt_name, names.get(), 0, 0) == 1;
}

std::string extended_key_usage(const ExtensionPlan& plan) {
  if (plan.server_auth && plan.client_auth) return "serverAuth,clientAuth";
  return plan.server_auth ? "serverAuth" : "clientAuth";
}

}  // namespace

Result<void> add_extensions(x509_st* out, const x509_st* issuer, const ExtensionPlan& plan) {
  bool added = false;
  if (plan.authority) {
    added = add_text(out, NID_basic_constraints,
                     "critical,CA:TRUE,pathlen:" + std::to_string(plan.path_length)) &&
            add_text(out, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    added = add_text(out, NID_basic_constraints, "critical,CA:FALSE") &&
            add_text(out, NID_key_usage,
                     plan.key_encipherment ? "critical,digitalSignature,keyEncipherment"
                                           : "critical,digitalSignature") &&
            add_text(out, NID_ext_key_usage, extended_key_usage(plan));
  }
  added = added && add_names(out, plan) && add_key_identifiers(out, issuer, plan.like);
  if (!added) return openssl_failure("pki.issue", "cannot add an extension to a certificate");
  return {};
}

const evp_md_st* signature_digest(const Key& key) {
  return key.type() == KeyType::ed25519 ? nullptr : EVP_sha256();
}

}  // namespace sallyport::pki
