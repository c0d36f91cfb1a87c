#include "pki/certificate.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/file.h"
#include "base/json.h"
#include "pki/certificate_decoder.h"
#include "pki/openssl.h"

namespace sallyport::pki {
namespace {

constexpr size_t kMostBytes = 4u << 20;  // the system's whole trust store has 0.2 MiB
constexpr int64_t kSecondsPerDay = 86400;

// What the file holds instead, as far as one can tell.
std::string instead(std::string_view text) {
  if (text.find("-----BEGIN CERTIFICATE REQUEST") != text.npos) {
    return " (it holds a certificate request, which has yet to be signed)";
  }
  if (text.find("PRIVATE KEY-----") != text.npos) return " (it holds a private key)";
  if (text.find("-----BEGIN X509 CRL") != text.npos) return " (it holds a revocation list)";
  if (text.empty()) return " (it is empty)";
  return {};
}

}  // namespace

int64_t CertificateInfo::days_left(int64_t now) const {
  int64_t seconds = not_after - now;
  return seconds >= 0 ? seconds / kSecondsPerDay : -((-seconds - 1) / kSecondsPerDay) - 1;
}

std::string CertificateInfo::purpose() const {
  if (ca) return "authority";
  if (!has_extended_key_usage) return "any (no purpose named)";
  if (server_auth && client_auth) return "server and client";
  if (server_auth) return "server";
  if (client_auth) return "client";
  return "neither server nor client";
}

std::vector<std::string> CertificateInfo::names() const {
  std::vector<std::string> out = dns_names;
  out.insert(out.end(), ip_addresses.begin(), ip_addresses.end());
  if (out.empty() && !common_name.empty()) out.push_back(common_name);
  return out;
}

Certificate::Certificate(x509_st* owned)
    : certificate_(owned, X509_free),
      info_(std::make_shared<const CertificateInfo>(decode_certificate(owned))) {}

Certificate Certificate::from_native(x509_st* certificate) {
  X509_up_ref(certificate);
  return Certificate(certificate);
}

Result<std::vector<Certificate>> Certificate::load(const std::string& path) {
  auto text = read_file(path, kMostBytes);
  if (!text) return fail(text.error());
  return parse(*text, path);
}

Result<std::vector<Certificate>> Certificate::parse(std::string_view text, std::string_view name) {
  std::vector<Certificate> out;
  ERR_clear_error();
  if (text.find("-----BEGIN ") == text.npos) {
    const auto* data = reinterpret_cast<const unsigned char*>(text.data());
    X509* one = d2i_X509(nullptr, &data, static_cast<long>(text.size()));
    if (one != nullptr) out.push_back(Certificate(one));
    ERR_clear_error();
  } else {
    BioPtr in = reader(text);
    while (X509* one = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
      out.push_back(Certificate(one));
    }
    // The end of a PEM file is an error too, of this one kind.
    unsigned long last = ERR_peek_last_error();
    if (ERR_GET_REASON(last) != PEM_R_NO_START_LINE) {
      return fail("pki.certificate", Side::config,
                  fmt::format("certificate {} of {} is damaged ({})", out.size() + 1, name,
                              openssl_reason()));
    }
    ERR_clear_error();
  }
  if (out.empty()) {
    return fail("pki.no_certificate", Side::config,
                fmt::format("{} holds no certificate{}", name, instead(text)));
  }
  return out;
}

std::string Certificate::pem() const {
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), native());
  return content(out.get());
}

Key Certificate::public_key() const {
  return Key::from_native(X509_get0_pubkey(native()));
}

bool Certificate::issued_by(const Certificate& issuer) const {
  bool named =
      X509_NAME_cmp(X509_get_issuer_name(native()), X509_get_subject_name(issuer.native())) == 0;
  EVP_PKEY* key = X509_get0_pubkey(issuer.native());
  bool made = named && key != nullptr && X509_verify(native(), key) == 1;
  ERR_clear_error();
  return made;
}

bool Certificate::operator==(const Certificate& other) const {
  return X509_cmp(native(), other.native()) == 0;
}

Json to_json(const CertificateInfo& info, int64_t now) {
  return Json{{"subject", info.subject},
              {"issuer", info.issuer},
              {"common_name", info.common_name},
              {"serial", info.serial},
              {"version", info.version},
              {"not_before", info.not_before},
              {"not_after", info.not_after},
              {"days_left", info.days_left(now)},
              {"key", info.key},
              {"signature_algorithm", info.signature_algorithm},
              {"self_signed", info.self_signed},
              {"ca", info.ca},
              {"path_length", info.path_length < 0 ? Json(nullptr) : Json(info.path_length)},
              {"purpose", info.purpose()},
              {"key_usage", info.key_usage},
              {"extended_key_usage", info.extended_key_usage},
              {"dns_names", info.dns_names},
              {"ip_addresses", info.ip_addresses},
              {"other_names", info.other_names},
              {"subject_key_id", info.subject_key_id},
              {"authority_key_id", info.authority_key_id},
              {"sha256", info.sha256}};
}

}  // namespace sallyport::pki
