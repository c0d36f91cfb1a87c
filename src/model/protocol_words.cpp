#include "model/protocol_words.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace sallyport::model {
namespace {

// In the order of Protocol.
constexpr std::array<std::string_view, 8> kWords = {"http", "https", "grpc", "grpcs",
                                                    "tcp",  "tls",   "udp",  "tls_passthrough"};
static_assert(static_cast<size_t>(Protocol::tls_passthrough) + 1 == kWords.size());

}  // namespace

std::string_view word_of(Protocol protocol) {
  return kWords[static_cast<size_t>(protocol)];
}

std::optional<Protocol> protocol_of(std::string_view word) {
  const auto at = std::ranges::find(kWords, word);
  if (at == kWords.end()) return std::nullopt;
  return static_cast<Protocol>(std::distance(kWords.begin(), at));
}

}  // namespace sallyport::model
