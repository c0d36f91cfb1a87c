#include "net/descriptor_limit.h"

#include <algorithm>
#include <limits>

#include <sys/resource.h>

namespace sallyport::net {
namespace {

constexpr uint64_t kRenewMs = 1'000;
constexpr int kMostReserved = 64;

}  // namespace

void DescriptorLimit::renew(uint64_t now) {
  rlimit limit{};
  const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
  constexpr auto kMost = static_cast<rlim_t>(std::numeric_limits<int>::max());
  limit_ = static_cast<int>(known ? std::min(limit.rlim_cur, kMost) : kMost);
  reserve_ = std::min(kMostReserved, limit_ / 8);
  stale_at_ = now + kRenewMs;
}

}  // namespace sallyport::net
