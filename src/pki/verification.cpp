#include "pki/verification.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "base/clock.h"
#include "base/text.h"
#include "pki/authority.h"
#include "pki/calendar.h"
#include "pki/openssl.h"

namespace sallyport::pki {
namespace {

using StorePtr = Owned<X509_STORE, X509_STORE_free>;
using ContextPtr = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;

// Debian's OpenSSL demands level 2 in TLS: keys of 112 bits of security, no SHA-1.
constexpr int kSecurityLevel = 2;

StorePtr store_of(const VerificationRequest& request) {
  StorePtr store(X509_STORE_new());
  for (const Certificate& one : request.trusted) X509_STORE_add_cert(store.get(), one.native());
  for (const RevocationList& one : request.crls) X509_STORE_add_crl(store.get(), one.native());
  return store;
}

void configure(X509_VERIFY_PARAM* options, const VerificationRequest& request) {
  unsigned long flags = 0;
  if (request.check_crl) flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  if (request.strict) flags |= X509_V_FLAG_X509_STRICT;
  if (flags != 0) X509_VERIFY_PARAM_set_flags(options, flags);
  if (request.purpose == Purpose::server) {
    X509_VERIFY_PARAM_set_purpose(options, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_trust(options, X509_TRUST_SSL_SERVER);
  } else if (request.purpose == Purpose::client) {
    X509_VERIFY_PARAM_set_purpose(options, X509_PURPOSE_SSL_CLIENT);
    X509_VERIFY_PARAM_set_trust(options, X509_TRUST_SSL_CLIENT);
  }
  if (request.max_depth >= 0) X509_VERIFY_PARAM_set_depth(options, request.max_depth);
  X509_VERIFY_PARAM_set_auth_level(options, kSecurityLevel);
  if (request.at != 0) X509_VERIFY_PARAM_set_time(options, request.at);
}

std::string joined_names(const CertificateInfo& info) {
  std::vector<std::string> names = info.names();
  return names.empty() ? "no name at all" : text::join(names, ", ");
}

// Puts the names and dates at hand into the explanation.
void explain(Verification& result, const VerificationRequest& request, const Certificate* faulty) {
  Explanation words = explain_verify_error(result.error);
  result.openssl = X509_verify_cert_error_string(result.error);
  result.remedy = words.remedy;
  result.cause =
      result.subject.empty() ? words.cause : fmt::format("{}: {}", result.subject, words.cause);
  if (faulty == nullptr) return;
  const CertificateInfo& info = faulty->info();
  if (result.error == X509_V_ERR_CERT_HAS_EXPIRED) {
    result.cause = fmt::format("{} expired on {}", info.subject, date_and_time(info.not_after));
  } else if (result.error == X509_V_ERR_CERT_NOT_YET_VALID) {
    result.cause =
        fmt::format("{} is valid only from {} on", info.subject, date_and_time(info.not_before));
  } else if (result.error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
             result.error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT) {
    result.cause = fmt::format("{} was signed by {}, which is neither trusted nor sent along",
                               info.subject, info.issuer);
  } else if (result.error == X509_V_ERR_CERT_CHAIN_TOO_LONG) {
    result.cause =
        fmt::format("the chain has more than the {} intermediate {} allowed", request.max_depth,
                    request.max_depth == 1 ? "authority" : "authorities");
  }
}

void check_host(Verification& result, const VerificationRequest& request) {
  const CertificateInfo& info = request.presented.front().info();
  if (request.host.empty() || matches_host(info, request.host)) return;
  result.valid = false;
  result.error = X509_V_ERR_HOSTNAME_MISMATCH;
  result.openssl = X509_verify_cert_error_string(result.error);
  result.depth = 0;
  result.subject = info.subject;
  result.cause =
      fmt::format("the certificate is for {}, not for {}", joined_names(info), request.host);
  result.remedy = fmt::format(
      "Connect to one of its names, or add this one: sallyport pki renew server --server-name {}",
      request.host);
}

// How deep the chain would be if depth were no matter.
void name_depth(Verification& result, VerificationRequest request) {
  int allowed = std::exchange(request.max_depth, -1);
  auto deeper = verify(request);
  if (!deeper || deeper->chain.size() < 3) return;
  size_t needed = deeper->chain.size() - 2;
  result.cause =
      fmt::format("the chain has {} intermediate {}, and {} {} allowed", needed,
                  needed == 1 ? "authority" : "authorities", allowed, allowed == 1 ? "is" : "are");
  result.remedy = fmt::format("Allow {} (lua_ssl_verify_depth = {})", needed, needed);
}

bool wildcard_matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.") || pattern.size() < 3) return false;
  std::string_view rest = pattern.substr(1);  // ".example.com"
  if (host.size() <= rest.size()) return false;
  std::string_view label = host.substr(0, host.size() - rest.size());
  return label.find('.') == label.npos && text::equals_ignore_case(host.substr(label.size()), rest);
}

bool name_matches(std::string_view name, std::string_view host) {
  return text::equals_ignore_case(name, host) || wildcard_matches(name, host);
}

}  // namespace

bool matches_host(const CertificateInfo& info, std::string_view host) {
  if (host.empty()) return false;
  bool address = is_ip_address(host);
  for (const std::string& name : info.dns_names) {
    if (name_matches(name, host)) return true;
  }
  if (address) {
    auto wanted = normalize_server_name(host);
    if (wanted && std::ranges::find(info.ip_addresses, *wanted) != info.ip_addresses.end()) {
      return true;
    }
  }
  bool has_kind = address ? !info.ip_addresses.empty() : !info.dns_names.empty();
  return !has_kind && name_matches(info.common_name, host);
}

Result<Verification> verify(const VerificationRequest& request) {
  if (request.presented.empty()) {
    return fail("pki.verify", Side::config, "there is no certificate to verify");
  }
  StorePtr store = store_of(request);
  CertificatesPtr others(sk_X509_new_null());
  for (size_t i = 1; i < request.presented.size(); ++i) {
    sk_X509_push(others.get(), request.presented[i].native());
  }
  for (const Certificate& one : request.untrusted) sk_X509_push(others.get(), one.native());
  ContextPtr context(X509_STORE_CTX_new());
  if (!store || !context ||
      X509_STORE_CTX_init(context.get(), store.get(), request.presented.front().native(),
                          others.get()) != 1) {
    return openssl_failure("pki.verify", "cannot prepare the verification");
  }
  configure(X509_STORE_CTX_get0_param(context.get()), request);

  Verification result;
  result.valid = X509_verify_cert(context.get()) == 1;
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    result.chain.push_back(Certificate::from_native(sk_X509_value(chain, i)));
  }
  if (result.valid) {
    check_host(result, request);
  } else {
    result.error = X509_STORE_CTX_get_error(context.get());
    result.depth = X509_STORE_CTX_get_error_depth(context.get());
    X509* current = X509_STORE_CTX_get_current_cert(context.get());
    std::optional<Certificate> faulty;
    if (current != nullptr) faulty = Certificate::from_native(current);
    if (faulty) result.subject = faulty->info().subject;
    explain(result, request, faulty ? &*faulty : nullptr);
  }
  ERR_clear_error();
  if (result.error == X509_V_ERR_CERT_CHAIN_TOO_LONG) name_depth(result, request);
  return result;
}

std::vector<Certificate> build_chain(const Certificate& leaf,
                                     const std::vector<Certificate>& pool) {
  constexpr size_t kLongest = 32;  // two authorities that sign each other make a circle
  std::vector<Certificate> chain = {leaf};
  while (chain.size() < kLongest && !chain.back().info().self_signed) {
    auto issuer = std::ranges::find_if(
        pool, [&](const Certificate& one) { return chain.back().issued_by(one); });
    if (issuer == pool.end() || std::ranges::find(chain, *issuer) != chain.end()) break;
    chain.push_back(*issuer);
  }
  return chain;
}

}  // namespace sallyport::pki
