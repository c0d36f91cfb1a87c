#include "postgres/testing/certificates.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sallyport::postgres {
namespace {

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  long size = BIO_get_mem_data(bio, &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

std::string TestCertificate::pem() const {
  BioHandle out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate.get());
  return text_of(out.get());
}

std::string TestCertificate::der() const {
  BioHandle out(BIO_new(BIO_s_mem()));
  i2d_X509_bio(out.get(), certificate.get());
  return text_of(out.get());
}

std::string TestCertificate::key_pem(const char* pass_phrase) const {
  BioHandle out(BIO_new(BIO_s_mem()));
  std::string phrase = pass_phrase == nullptr ? "" : pass_phrase;
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(),
                                pass_phrase == nullptr ? nullptr : EVP_aes_256_cbc(), phrase.data(),
                                static_cast<int>(phrase.size()), nullptr, nullptr);
  return text_of(out.get());
}

TestCertificate make_certificate(const TestCertificateWish& wish) {
  static long serial = 1;
  TestCertificate made{X509Handle(X509_new()), KeyHandle(EVP_EC_gen("P-256"))};
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_NAME* name = X509_get_subject_name(certificate);
  if (!wish.common_name.empty()) {
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wish.common_name.data()),
                               static_cast<int>(wish.common_name.size()), -1, 0);
  }
  const X509* issuer = wish.issuer ? wish.issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  X509_set_pubkey(certificate, made.key.get());
  if (wish.ca) add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  if (!wish.san.empty()) add_extension(certificate, NID_subject_alt_name, wish.san);
  X509_sign(certificate, wish.issuer ? wish.issuer->key.get() : made.key.get(), EVP_sha256());
  return made;
}

std::string make_crl(const TestCertificate& issuer, int days) {
  CrlHandle crl(X509_CRL_new());
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.certificate.get()));
  ASN1_TIME* time = X509_gmtime_adj(nullptr, -3600);
  X509_CRL_set1_lastUpdate(crl.get(), time);
  X509_gmtime_adj(time, days * 86400L);
  X509_CRL_set1_nextUpdate(crl.get(), time);
  ASN1_TIME_free(time);
  X509_CRL_sign(crl.get(), issuer.key.get(), EVP_sha256());
  BioHandle out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(out.get(), crl.get());
  return text_of(out.get());
}

TestDirectory::TestDirectory() {
  char path[] = "/tmp/sallyport-test-XXXXXX";
  path_ = mkdtemp(path);
}

TestDirectory::~TestDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TestDirectory::write(const std::string& name, const std::string& content) const {
  std::string path = path_ + "/" + name;
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  chmod(path.c_str(), 0600);
  return path;
}

}  // namespace sallyport::postgres
