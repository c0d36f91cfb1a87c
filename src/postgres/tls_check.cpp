#include "postgres/tls_check.h"

#include <fmt/format.h>

#include "postgres/certificate_facts.h"
#include "postgres/host_name.h"
#include "postgres/openssl_handles.h"
#include "postgres/verify_refusal.h"

namespace sallyport::postgres {
namespace {

thread_local TlsCheck* watching = nullptr;

// The chain as the server sent it, leaf first.
std::vector<CertificateFacts> sent_chain(X509_STORE_CTX* context) {
  std::vector<CertificateFacts> chain;
  const X509* leaf = X509_STORE_CTX_get0_cert(context);
  if (leaf != nullptr) chain.push_back(certificate_facts(leaf));
  STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(context);
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    const X509* certificate = sk_X509_value(sent, i);
    if (certificate == leaf || (leaf != nullptr && X509_cmp(certificate, leaf) == 0)) continue;
    chain.push_back(certificate_facts(certificate));
  }
  return chain;
}

// How many intermediates the chain would need, were there no limit.
int needed_depth(X509_STORE_CTX* context) {
  X509StoreCtxHandle again(X509_STORE_CTX_new());
  if (!again || X509_STORE_CTX_init(again.get(), X509_STORE_CTX_get0_store(context),
                                    X509_STORE_CTX_get0_cert(context),
                                    X509_STORE_CTX_get0_untrusted(context)) != 1) {
    return -1;
  }
  X509_STORE_CTX_set_depth(again.get(), 100);
  if (X509_verify_cert(again.get()) != 1) return -1;
  return std::max(0, sk_X509_num(X509_STORE_CTX_get0_chain(again.get())) - 2);
}

}  // namespace

// OpenSSL's C callbacks.
struct TlsHooks {
  static void on_new_context(void* context, void*, CRYPTO_EX_DATA*, int, long, void*) {
    if (watching != nullptr) watching->bind(static_cast<SSL_CTX*>(context));
  }

  static int on_verify(X509_STORE_CTX* context, void* check) {
    return static_cast<TlsCheck*>(check)->accept(context) ? 1 : 0;
  }

  static int on_certificate_request(SSL* ssl, void* check) {
    return static_cast<TlsCheck*>(check)->show_identity(ssl) ? 1 : 0;
  }

  // Once for the process; contexts made before are not touched.
  static void install() {
    [[maybe_unused]] static const int index =
        SSL_CTX_get_ex_new_index(0, nullptr, on_new_context, nullptr, nullptr);
  }
};

TlsCheck::TlsCheck(TlsDemands demands) : demands_(std::move(demands)) {
  TlsHooks::install();
}

TlsCheck::Watch::Watch(TlsCheck& check) : former_(watching) {
  watching = &check;
}
TlsCheck::Watch::~Watch() {
  watching = former_;
}

void TlsCheck::bind(ssl_ctx_st* context) {
  SSL_CTX_set_cert_verify_callback(context, TlsHooks::on_verify, this);
  SSL_CTX_set_cert_cb(context, TlsHooks::on_certificate_request, this);
  // libpq asks for verification only when it has read a root file of its own.
  if (demands_.verify) SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  X509_STORE* store = demands_.files.anchors.store();
  if (store == nullptr) return;
  SSL_CTX_set1_verify_cert_store(context, store);
  // OpenSSL completes a client chain that lacks its intermediates from here.
  SSL_CTX_set1_chain_cert_store(context, store);
}

bool TlsCheck::accept(x509_store_ctx_st* context) {
  called_ = true;
  accepted_ = false;
  chain_ = sent_chain(context);
  accepted_ = !demands_.verify || accept_chain(context);
  return accepted_;
}

bool TlsCheck::accept_chain(x509_store_ctx_st* context) {
  X509_STORE_CTX_set_depth(context, demands_.depth);
  if (!demands_.files.revocations.empty()) {
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_STORE_CTX_set0_crls(context, demands_.files.revocations.stack());
  }
  int verdict = X509_verify_cert(context);
  verify_error_ = X509_STORE_CTX_get_error(context);
  if (verdict != 1 || verify_error_ != X509_V_OK) {
    if (verify_error_ == X509_V_OK) verify_error_ = X509_V_ERR_UNSPECIFIED;
    X509_STORE_CTX_set_error(context, verify_error_);
    verify_error_depth_ = X509_STORE_CTX_get_error_depth(context);
    refusal_ = explain(context);
    return false;
  }
  STACK_OF(X509)* verified = X509_STORE_CTX_get0_chain(context);
  chain_.clear();
  for (int i = 0; i < sk_X509_num(verified); ++i) {
    chain_.push_back(certificate_facts(sk_X509_value(verified, i)));
  }
  anchor_ = chain_.back();

  if (!demands_.verify_host) return true;
  HostNameVerdict name = check_host_name(X509_STORE_CTX_get0_cert(context), demands_.host);
  if (name.matches) return true;
  verify_error_ = X509_V_ERR_HOSTNAME_MISMATCH;
  verify_error_depth_ = 0;
  X509_STORE_CTX_set_error(context, verify_error_);
  X509_STORE_CTX_set_error_depth(context, 0);
  refusal_ = host_name_refusal(name.text, chain_.front(), demands_.role);
  return false;
}

Error TlsCheck::explain(x509_store_ctx_st* context) const {
  VerifyFault fault{.error = verify_error_, .depth = verify_error_depth_, .role = demands_.role};
  fault.sent = chain_;
  if (X509* culprit = X509_STORE_CTX_get_current_cert(context)) {
    fault.culprit = certificate_facts(culprit);
    for (const CertificateFacts& anchor : demands_.files.anchors.facts()) {
      fault.namesake_trusted = fault.namesake_trusted || anchor.subject == fault.culprit->issuer;
    }
  }
  if (verify_error_ == X509_V_ERR_CERT_CHAIN_TOO_LONG) {
    fault.allowed_depth = demands_.depth;
    fault.needed_depth = needed_depth(context);
  }
  return verify_refusal(fault);
}

bool TlsCheck::show_identity(ssl_st* ssl) {
  identity_requested_ = true;
  // In every TLS version the server's certificate is verified before ours is asked for; that this
  // stays so is worth one comparison.
  if (!accepted_) return false;
  if (demands_.files.identity.give_to(ssl)) return true;
  identity_error_ = last_openssl_error();
  return false;
}

Result<void> TlsCheck::confirm(ssl_st* ssl) const {
  auto unchecked = [&](std::string_view what) {
    return fail("link.unchecked", Side::internal,
                fmt::format("the TLS session with {} was not verified as demanded: {}",
                            demands_.host, what),
                "Nothing was sent. Is libpq linked with the same libssl as the gateway?");
  };
  if (ssl == nullptr) return unchecked("there is none");
  if (!called_) return unchecked("our verification was never called");
  if (!accepted_) return unchecked("our verification refused it");
  X509Handle leaf(SSL_get1_peer_certificate(ssl));
  if (!leaf) return unchecked("the server showed no certificate");
  if (!demands_.verify) return {};
  if (SSL_get_verify_result(ssl) != X509_V_OK) return unchecked("OpenSSL says so");
  STACK_OF(X509)* verified = SSL_get0_verified_chain(ssl);
  if (sk_X509_num(verified) < 1) return unchecked("it has no verified chain");
  if (sk_X509_num(verified) - 2 > demands_.depth) return unchecked("its chain is too long");
  if (X509_cmp(sk_X509_value(verified, 0), leaf.get()) != 0) {
    return unchecked("another certificate was verified");
  }
  if (demands_.verify_host && !check_host_name(leaf.get(), demands_.host).matches) {
    return unchecked("the host name differs");
  }
  return {};
}

void TlsCheck::describe(LinkState& state) const {
  state.verified = accepted_ && demands_.verify;
  state.server_chain = chain_;
  if (anchor_) state.trust_anchors_used = {*anchor_};
  state.client_certificate_requested = identity_requested_;
  if (!demands_.files.identity.empty()) state.client_certificate = demands_.files.identity.facts();
  state.crl_next_update = demands_.files.revocations.next_update();
  state.verify_error = verify_error_;
  state.verify_error_depth = verify_error_depth_;
  if (refusal_) state.verify_error_text = refusal_->detail;
}

}  // namespace sallyport::postgres
