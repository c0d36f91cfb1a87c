#include "postgres/peer_memory.h"

#include <map>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "postgres/certificate_facts.h"

namespace sallyport::postgres {
namespace {

struct Peer {
  bool tls = false;
  bool plain = false;
  CertificateFacts leaf;
};

std::mutex mutex;
std::map<std::pair<std::string, uint16_t>, Peer> peers;

bool same(const CertificateFacts& a, const CertificateFacts& b) {
  return a.subject == b.subject && a.issuer == b.issuer && a.not_before == b.not_before &&
         a.not_after == b.not_after;
}

}  // namespace

void remember_tls(const std::string& host, uint16_t port, const CertificateFacts& leaf) {
  std::lock_guard lock(mutex);
  Peer& peer = peers[{host, port}];
  if (peer.tls && !same(peer.leaf, leaf)) {
    log::notice("postgres: {}:{} shows a new certificate: {}, issued by {}; before: {}", host, port,
                brief(leaf), leaf.issuer, brief(peer.leaf));
  }
  peer.tls = true;
  peer.leaf = leaf;
}

bool spoke_tls(const std::string& host, uint16_t port) {
  std::lock_guard lock(mutex);
  auto found = peers.find({host, port});
  return found != peers.end() && found->second.tls;
}

bool first_plain(const std::string& host, uint16_t port) {
  std::lock_guard lock(mutex);
  return !std::exchange(peers[{host, port}].plain, true);
}

}  // namespace sallyport::postgres
