#include "doctor/chain.h"

#include <algorithm>

namespace sallyport::doctor {
namespace {

pki::Verification result_of(const pki::VerificationRequest& request) {
  auto result = pki::verify(request);
  if (result) return std::move(*result);
  pki::Verification failed;
  failed.error = -1;
  failed.openssl = result.error().detail;
  failed.cause = result.error().detail;
  return failed;
}

}  // namespace

bool ChainJudgement::was_sent(const pki::Certificate& certificate) const {
  return std::ranges::find(sent, certificate) != sent.end();
}

ChainJudgement judge_chain(std::vector<pki::Certificate> sent, const Files& files,
                           const std::string& host, int64_t now) {
  ChainJudgement out;
  pki::VerificationRequest request;
  request.presented = sent;
  request.trusted = files.trusted_certificates();
  request.purpose = pki::Purpose::server;
  request.at = now;
  out.trust = result_of(request);

  std::vector<pki::Certificate> pool = sent;
  pool.insert(pool.end(), request.trusted.begin(), request.trusted.end());
  out.chain = out.trust.valid ? out.trust.chain : pki::build_chain(sent.front(), pool);
  // Neither the leaf nor the anchor counts.
  out.depth_needed = std::max(0, static_cast<int>(out.chain.size()) - 2);

  out.revocation_asked = files.revocation_asked();
  if (out.revocation_asked) {
    request.crls = files.all_lists();
    request.check_crl = true;
    out.revocation = result_of(request);
  }
  out.name_matches = pki::matches_host(sent.front().info(), host);
  out.sent = std::move(sent);
  return out;
}

}  // namespace sallyport::doctor
