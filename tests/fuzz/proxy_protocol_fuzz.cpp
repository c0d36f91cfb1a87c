// fuzz: net base
// A PROXY header gets the same verdict however it is cut, and never takes more than it may.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "net/proxy_protocol.h"

using namespace sallyport::net;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto exact = std::make_unique<char[]>(size);
  std::copy_n(data, size, exact.get());
  const std::string_view bytes(exact.get(), size);
  ProxyHeader whole;
  const ProxyParse verdict = read_proxy_header(bytes, whole);
  if (whole.size > std::min(size, kMaxProxyHeaderV2)) std::abort();
  for (size_t cut = 0; cut < std::min<size_t>(size, 200); ++cut) {
    ProxyHeader part;
    const ProxyParse early = read_proxy_header(bytes.substr(0, cut), part);
    if (early == ProxyParse::need_more) continue;
    if (early != verdict || part.size != whole.size) std::abort();
    if (part.source.has_value() != whole.source.has_value()) std::abort();
  }
  return 0;
}
