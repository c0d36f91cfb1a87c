// One upstream as a worker balances over it: the targets' names looked up, the addresses handed to
// the Balance, the outcome of requests reported to the board that all workers share. Kept over
// configuration changes, by the upstream's id. The worker's thread; renewing of names runs on after
// the request that started it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "balancer/balance.h"
#include "base/task.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "runtime/snapshot.h"

namespace sallyport::proxy {

class BalancedUpstream : public std::enable_shared_from_this<BalancedUpstream> {
 public:
  BalancedUpstream(net::Loop& loop, net::Resolver& resolver,
                   std::shared_ptr<balancer::UpstreamStates> states, uint64_t seed,
                   uint64_t slow_start_ms);

  void configure(const std::shared_ptr<const runtime::UpstreamEntry>& entry);
  const model::Upstream& upstream() const { return *entry_->upstream; }
  const std::shared_ptr<const net::KeyPair>& identity() const { return entry_->identity; }

  // True when pick() may be called; else resolve() first. Renews names that have grown old beside.
  bool ready();
  Task<void> resolve();
  // Looks up names again that were looked up before and have grown old, without waiting. When to
  // come again on the loop's clock, ~0 for never.
  uint64_t renew_old();

  balancer::PeerPtr pick(const balancer::Choice& choice) { return balance_.pick(choice); }
  std::span<const balancer::PeerPtr> peers() const { return balance_.peers(); }
  uint32_t generation() const { return balance_.generation(); }

  void report(const balancer::Peer& peer, balancer::Outcome outcome,
              const model::CheckThresholds& thresholds);
  // What passive checks make of an answer, and of none.
  void report_status(const balancer::Peer& peer, int status);
  void report_failure(balancer::Peer& peer, balancer::Outcome outcome, uint64_t took_ms);
  // A stream's connection was made: all that can be known of its target.
  void report_success(const balancer::Peer& peer);

 private:
  struct Name {
    std::shared_ptr<const model::Target> target;
    std::string host;
    uint16_t port = 0;
    std::vector<net::ResolvedHost> hosts;
    std::string error;
    bool known = false;        // looked up, whatever came of it
    bool asking = false;       // by ask()
    uint64_t asked = 0;        // when ask() began
    uint64_t answered = 0;     // when DNS gave `hosts`; 0 for literal addresses
    uint64_t valid_until = 0;  // ~0 for literal addresses
  };
  void take_names();
  void rebuild();
  void renew();
  Detached ask(std::shared_ptr<BalancedUpstream> self, size_t index);
  void take(Name& name, const net::Resolver::Answer& answer);
  void note_times();

  net::Loop& loop_;
  net::Resolver& resolver_;
  std::shared_ptr<balancer::UpstreamStates> states_;
  balancer::Balance balance_;
  std::shared_ptr<const runtime::UpstreamEntry> entry_;
  std::vector<Name> names_;
  uint64_t valid_until_ = 0;  // of all names
  uint64_t renew_at_ = 0;     // of those that ask() does not look up already
  uint32_t asking_ = 0;
  uint32_t configured_ = 0;  // how often: what was asked for before is not taken
};

}  // namespace sallyport::proxy
