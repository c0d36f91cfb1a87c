// What a TLS client says first, read without answering it: whom it wants to reach (SNI) decides
// where its connection goes. Bounded and strict: what is no ClientHello is an error at the first
// byte that shows it. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::net {

// All records of a ClientHello together, headers included. Browsers send 600 to 2,000 bytes.
inline constexpr size_t kMaxClientHello = size_t{32} * 1024;

struct ClientHello {
  std::string server_name;  // lower case, without a dot at the end; "" when it names nobody
};

enum class HelloParse : uint8_t { complete, need_more, error };

// Looks at `bytes` from the first byte of the connection on; with need_more call again with more.
HelloParse read_client_hello(std::string_view bytes, ClientHello& out);

}  // namespace sallyport::net
