#include "doctor/evidence.h"

#include <algorithm>

namespace sallyport::doctor {

const Probe* HostEvidence::best() const {
  auto furthest = std::ranges::max_element(probes, {}, &Probe::reach);
  return furthest == probes.end() ? nullptr : &*furthest;
}

const std::string* ServerFacts::find(const std::string& name) const {
  auto found = values.find(name);
  return found == values.end() ? nullptr : &found->second;
}

const HostEvidence* Evidence::decisive_host() const {
  if (hosts.empty()) return nullptr;
  auto used = std::ranges::find(hosts, outcome.state.host, &HostEvidence::host);
  return used == hosts.end() ? &hosts.front() : &*used;
}

}  // namespace sallyport::doctor
