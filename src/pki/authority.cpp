#include "pki/authority.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "base/text.h"
#include "pki/calendar.h"
#include "pki/certificate_extensions.h"
#include "pki/openssl.h"

namespace sallyport::pki {
namespace {

constexpr int kMostDays = 36500;
constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kProposalHolds = 3600;
constexpr size_t kLongestCommonName = 64;  // RFC 5280 appendix A.1, ub-common-name

bool is_authority(Role role) {
  return role == Role::root || role == Role::intermediate;
}

Result<void> check_issuer(const CertificateRequest& request, const Authority& issuer, int64_t now) {
  const CertificateInfo& info = issuer.certificate.info();
  auto refuse = [&](std::string_view why, std::string remedy = {}) {
    return fail("pki.issuer", Side::config, fmt::format("{} {}", info.subject, why),
                std::move(remedy));
  };
  if (!info.ca) return refuse("is not a certificate authority, so it cannot sign others");
  if (info.has_key_usage &&
      std::ranges::find(info.key_usage, "keyCertSign") == info.key_usage.end()) {
    return refuse("may not sign certificates: its keyUsage lacks keyCertSign");
  }
  if (info.not_after < now) {
    return refuse(fmt::format("expired on {}", date(info.not_after)),
                  "Renew it first (sallyport pki renew)");
  }
  if (!issuer.certificate.public_key().matches(issuer.key)) {
    return refuse("and the key beside it do not belong together");
  }
  if (std::string why = issuer.key.weakness(); !why.empty()) {
    return fail("pki.weak_key", Side::config, fmt::format("{}: the key {}", info.subject, why));
  }
  if (request.role == Role::intermediate && info.path_length >= 0 &&
      info.path_length <= request.path_length) {
    return refuse(
        fmt::format("allows no such authority below it (path length {})", info.path_length));
  }
  return {};
}

// A validity that ends in the issuer's last second is refused a second later, when somebody asks
// for what was proposed to them: it has to fit for another hour.
int64_t days_to_propose(const CertificateInfo& issuer, int64_t now) {
  return std::max<int64_t>(0, (issuer.not_after - now - kProposalHolds) / kSecondsPerDay);
}

Result<void> check_validity(const CertificateRequest& request, const Authority* issuer,
                            int64_t now) {
  if (request.days < 1 || request.days > kMostDays) {
    return fail("pki.validity", Side::config,
                fmt::format("a validity of {} days is out of range", request.days),
                fmt::format("Use 1 to {}", kMostDays));
  }
  if (issuer == nullptr) return {};
  const CertificateInfo& info = issuer->certificate.info();
  if (now + request.days * kSecondsPerDay <= info.not_after) return {};
  const int64_t left = days_to_propose(info, now);
  return fail("pki.validity", Side::config,
              fmt::format("a certificate for {} days would outlive its issuer {}, which ends on {}",
                          request.days, info.subject, date(info.not_after)),
              left > 0
                  ? fmt::format("Renew the issuer first, or ask for at most {} days (--days {})",
                                left, left)
                  : "Renew the issuer first");
}

Result<void> set_subject(X509* out, const CertificateRequest& request) {
  X509_NAME* subject = X509_get_subject_name(out);
  if (request.like != nullptr) {
    X509_set_subject_name(out, X509_get_subject_name(request.like->native()));
    return {};
  }
  const std::string& name = request.common_name;
  bool control = std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (name.empty() || control || !text::valid_utf8(name)) {
    return fail("pki.name", Side::config,
                name.empty() ? "a certificate needs a common name"
                             : "the common name has control characters or is not UTF-8");
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
  if (X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, bytes,
                                 static_cast<int>(name.size()), -1, 0) != 1) {
    openssl_reason();
    return fail(
        "pki.name", Side::config,
        fmt::format("the common name `{}` has more than {} characters", name, kLongestCommonName));
  }
  return {};
}

// 128 random bits; never 0, never negative (BN_to_ASN1_INTEGER adds the sign octet).
bool set_serial(X509* out) {
  unsigned char bytes[16];
  do {
    if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  } while (bytes[0] == 0);
  NumberPtr number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(out)) != nullptr;
}

void set_validity(X509* out, const CertificateRequest& request, const Authority* issuer,
                  int64_t now) {
  int64_t begin = now - kClockSkewSeconds;
  // Some verifiers want a certificate's time within its issuer's.
  if (issuer != nullptr) begin = std::max(begin, issuer->certificate.info().not_before);
  ASN1_TIME_set(X509_getm_notBefore(out), std::min(begin, now));
  ASN1_TIME_set(X509_getm_notAfter(out), now + request.days * kSecondsPerDay);
}

ExtensionPlan plan_of(const CertificateRequest& request, const Key& key) {
  ExtensionPlan plan;
  plan.authority = is_authority(request.role);
  plan.path_length = request.path_length;
  plan.key_encipherment = key.type() == KeyType::rsa;
  if (!plan.authority) {
    plan.server_auth =
        request.server_auth || (!request.client_auth && request.role == Role::server);
    plan.client_auth =
        request.client_auth || (!request.server_auth && request.role == Role::client);
  }
  plan.like = request.like;
  return plan;
}

// OpenSSL keeps what it saw of the extensions while they were being added; only a certificate that
// was read shows itself as others will see it.
Result<Certificate> read_again(X509* made) {
  unsigned char* bytes = nullptr;
  int length = i2d_X509(made, &bytes);
  if (length <= 0) return openssl_failure("pki.issue", "cannot encode a certificate");
  std::string_view der(reinterpret_cast<char*>(bytes), static_cast<size_t>(length));
  auto read = Certificate::parse(der, "the new certificate");
  OPENSSL_free(bytes);
  if (!read) return fail(read.error());
  return read->front();
}

}  // namespace

Result<Certificate> issue(const CertificateRequest& request, const Key& key,
                          const Authority* issuer, int64_t now) {
  if (std::string why = key.weakness(); !why.empty()) {
    return fail("pki.weak_key", Side::config, "the key " + why, "Make a new key (--new-key)");
  }
  if (issuer != nullptr) {
    if (auto checked = check_issuer(request, *issuer, now); !checked) return fail(checked.error());
  }
  if (auto checked = check_validity(request, issuer, now); !checked) return fail(checked.error());

  X509Ptr out(X509_new());
  if (!out || X509_set_version(out.get(), X509_VERSION_3) != 1 || !set_serial(out.get()) ||
      X509_set_pubkey(out.get(), key.native()) != 1) {
    return openssl_failure("pki.issue", "cannot make a certificate");
  }
  if (auto set = set_subject(out.get(), request); !set) return fail(set.error());
  set_validity(out.get(), request, issuer, now);
  const X509* signer = issuer == nullptr ? out.get() : issuer->certificate.native();
  X509_set_issuer_name(out.get(), X509_get_subject_name(signer));

  ExtensionPlan plan = plan_of(request, key);
  for (const std::string& name : request.names) {
    auto normalized = normalize_server_name(name);
    if (!normalized) return fail(normalized.error());
    plan.names.push_back(*normalized);
  }
  if (auto added = add_extensions(out.get(), signer, plan); !added) return fail(added.error());
  const Key& signing_key = issuer == nullptr ? key : issuer->key;
  if (X509_sign(out.get(), signing_key.native(), signature_digest(signing_key)) <= 0) {
    return openssl_failure("pki.issue", "cannot sign a certificate");
  }
  return read_again(out.get());
}

}  // namespace sallyport::pki
