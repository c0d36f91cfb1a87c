// What went wrong, whose fault it is, and what to do about it. Every fallible function of the
// project returns Result<T>; no exception leaves a module. Values, copied freely, any thread.
// Error texts never hold a secret: Secret (base/secret.h) cannot be formatted.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sallyport {

// Whose fault an error is.
enum class Side : uint8_t { client, upstream, database, config, internal };

// What may be tried again: nothing, the same on another target, or the same later.
enum class Retry : uint8_t { never, other_target, later };

struct Error {
  std::string_view code;  // stable, dotted, a string literal: "link.host_name", "conf.unknown_key"
  Side side = Side::internal;
  Retry retry = Retry::never;
  std::string detail;  // names the object: the setting, the file, the entity, the peer
  std::string remedy;  // a command or a setting to change; empty when the detail says it all

  // "detail. remedy", for a log line or a terminal.
  std::string text() const { return remedy.empty() ? detail : detail + ". " + remedy; }
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string_view code, Side side, std::string detail,
                                   std::string remedy = {}, Retry retry = Retry::never) {
  return std::unexpected(Error{code, side, retry, std::move(detail), std::move(remedy)});
}

inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

}  // namespace sallyport
