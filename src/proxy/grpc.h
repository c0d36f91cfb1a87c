// What the gateway says to a gRPC client in its own name: a status in the fields of an answer
// without a body ("Trailers-Only" in gRPC's description of its HTTP/2 mapping). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/h1_reader.h"

namespace sallyport::proxy {

// Its content type is gRPC's or one made of that, whatever the protocol: gRPC-Web's, too.
bool has_grpc_type(const http::RequestHead& request);

// Came over HTTP/2 with gRPC's content type, and not gRPC-Web's.
bool is_grpc(const http::RequestHead& request);

// gRPC's code for a status of HTTP.
int grpc_status(int status);

// The message in the body of an answer: of a JSON object its "message", else the text.
std::string grpc_message(std::string_view body);

// The fields of the answer, whole lines, ends included. `status` is gRPC's.
std::string grpc_fields(int status, std::string_view message);

// The time that the client gives the whole call (grpc-timeout), in milliseconds, rounded up;
// nothing when it sets none or says nonsense.
std::optional<uint64_t> grpc_timeout_ms(const http::RequestHead& request);

}  // namespace sallyport::proxy
