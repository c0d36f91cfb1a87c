#include "postgres/certificate_facts.h"

#include <ctime>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "postgres/openssl_handles.h"

namespace sallyport::postgres {
namespace {

std::string utf8(const ASN1_STRING* value) {
  unsigned char* bytes = nullptr;
  int size = ASN1_STRING_to_UTF8(&bytes, value);
  if (size < 0) return {};
  std::string text(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return text;
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN] = "";
  int size = ASN1_STRING_length(address);
  int family = size == 4 ? AF_INET : AF_INET6;
  if (size != 4 && size != 16) return "(malformed address)";
  inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof text);
  return text;
}

std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return {};
  return utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
}

std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names;
  auto* alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type == GEN_DNS) names.push_back(utf8(name->d.dNSName));
    if (name->type == GEN_IPADD) names.push_back(address_text(name->d.iPAddress));
  }
  GENERAL_NAMES_free(alternatives);
  if (names.empty()) {
    if (std::string name = common_name(certificate); !name.empty()) names.push_back(name);
  }
  return names;
}

}  // namespace

std::string name_text(const X509_name_st* name) {
  BioHandle out(BIO_new(BIO_s_mem()));
  if (!out || name == nullptr) return {};
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* bytes = nullptr;
  long size = BIO_get_mem_data(out.get(), &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

int64_t unix_time(const asn1_string_st* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

CertificateFacts certificate_facts(const x509_st* certificate) {
  CertificateFacts facts;
  facts.subject = name_text(X509_get_subject_name(certificate));
  facts.issuer = name_text(X509_get_issuer_name(certificate));
  facts.not_before = unix_time(X509_get0_notBefore(certificate));
  facts.not_after = unix_time(X509_get0_notAfter(certificate));
  facts.names = names_of(certificate);
  return facts;
}

std::string brief(const CertificateFacts& facts) {
  std::tm parts{};
  time_t until = facts.not_after;
  gmtime_r(&until, &parts);
  return fmt::format("{} (until {:04}-{:02}-{:02})",
                     facts.subject.empty() ? "(no name)" : facts.subject, parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday);
}

std::string brief(const std::vector<CertificateFacts>& chain) {
  std::string text;
  for (const CertificateFacts& facts : chain) {
    if (!text.empty()) text += " <- ";
    text += brief(facts);
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace sallyport::postgres
