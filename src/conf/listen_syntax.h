// The syntax of the *_listen directives. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "conf/value.h"

namespace sallyport::conf {

// Parses one item, "127.0.0.1:8001 ssl http2 backlog=16384". `stream` is true for stream_listen,
// which knows `udp` and neither `http2` nor `deferred`. Error: "conf.listen".
Result<Listen> parse_listen(std::string_view item, bool stream);

// "127.0.0.1:8001", "[::1]:8001", "unix:/run/admin.sock": the address as nginx and Kong write it.
std::string address_text(const Listen& listen);

// Only this machine can reach it: 127.0.0.0/8, ::1, a Unix socket.
bool is_loopback(const Listen& listen);

}  // namespace sallyport::conf
