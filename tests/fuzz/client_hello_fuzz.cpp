// fuzz: net base
// A ClientHello gets the same verdict however it is cut, and names nothing that is no name.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "net/client_hello.h"

using namespace sallyport::net;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto exact = std::make_unique<char[]>(size);
  std::copy_n(data, size, exact.get());
  const std::string_view bytes(exact.get(), size);
  ClientHello whole;
  const HelloParse verdict = read_client_hello(bytes, whole);
  if (size >= kMaxClientHello && verdict == HelloParse::need_more) std::abort();
  if (whole.server_name.find_first_of(std::string_view(" \0\n", 3)) != std::string::npos) {
    std::abort();
  }
  for (size_t cut = 0; cut < std::min<size_t>(size, 200); ++cut) {
    ClientHello part;
    const HelloParse early = read_client_hello(bytes.substr(0, cut), part);
    if (early == HelloParse::need_more) continue;
    if (early != verdict || part.server_name != whole.server_name) std::abort();
  }
  return 0;
}
