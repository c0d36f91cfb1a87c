// What we call ourselves.
#pragma once

#include <string_view>

namespace sallyport {

inline constexpr std::string_view kVersion = SALLYPORT_VERSION;
inline constexpr std::string_view kServerToken = "sallyport/" SALLYPORT_VERSION;

// The level of Kong's Admin API that is spoken: the `version` field of `GET /`.
inline constexpr std::string_view kKongApiLevel = "3.10.0";

}  // namespace sallyport
