// fuzz: net base
// Whatever a name server sends: no byte beyond its end, no name that is none, no endless pointer.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "net/dns_answer.h"

using namespace sallyport::net;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 65'535) return 0;
  const auto exact = std::make_unique<char[]>(size);
  std::copy_n(data, size, exact.get());
  const auto records = read_srv_answer({exact.get(), size});
  if (!records) return 0;
  if (records->size() > kMaxSrvRecords) std::abort();
  for (const SrvRecord& record : *records) {
    if (record.target.size() > 255 || record.ttl_s > 0x7fff'ffff) std::abort();
    for (const char c : record.target) {
      if (c <= ' ' || c == 0x7f) std::abort();
    }
  }
  return 0;
}
