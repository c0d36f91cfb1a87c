// What becomes of the certificates that a server sent: judged against the trust list once without
// any limit, so that the depth, the name and the revocation state are known even when the first
// fault already refuses the link. Values; pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "doctor/files.h"
#include "pki/verification.h"

namespace sallyport::doctor {

struct ChainJudgement {
  std::vector<pki::Certificate> sent;   // in the server's order
  pki::Verification trust;              // no depth limit, no CRL, no name
  std::vector<pki::Certificate> chain;  // leaf first: as verified, else as far as it can be built
  int depth_needed = 0;                 // intermediates between the leaf and the anchor
  bool revocation_asked = false;        // the settings name CRLs
  pki::Verification revocation;         // with CRLs, when asked
  bool name_matches = false;

  const pki::Certificate& leaf() const { return sent.front(); }
  bool was_sent(const pki::Certificate& certificate) const;
};

// `sent` is not empty.
ChainJudgement judge_chain(std::vector<pki::Certificate> sent, const Files& files,
                           const std::string& host, int64_t now);

}  // namespace sallyport::doctor
