#include "postgres/nobody_file.h"

#include <string>

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <sys/mman.h>
#include <unistd.h>

#include "postgres/openssl_handles.h"

namespace sallyport::postgres {
namespace {

std::string nobody_pem() {
  KeyHandle key(EVP_EC_gen("P-256"));
  X509Handle certificate(X509_new());
  BioHandle out(BIO_new(BIO_s_mem()));
  if (!key || !certificate || !out) return {};
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), 0);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), 1);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("nobody"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key.get());
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) return {};
  if (PEM_write_bio_X509(out.get(), certificate.get()) != 1) return {};
  char* bytes = nullptr;
  long size = BIO_get_mem_data(out.get(), &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

std::string make() {
  std::string pem = nobody_pem();
  int fd = memfd_create("sallyport-nobody", MFD_CLOEXEC);
  if (fd < 0 || write(fd, pem.data(), pem.size()) != static_cast<ssize_t>(pem.size())) {
    return {};
  }
  std::string path = fmt::format("/proc/self/fd/{}", fd);
  return access(path.c_str(), R_OK) == 0 ? path : std::string();
}

}  // namespace

const char* nobody_file() {
  static const std::string path = make();
  return path.empty() ? nullptr : path.c_str();
}

}  // namespace sallyport::postgres
