// The words for an errno: "Connection refused". Unlike strerror(3), on any thread and after a fork.
#pragma once

#include <cstring>

namespace sallyport {

inline const char* errno_text(int error) {
  const char* text = ::strerrordesc_np(error);
  return text != nullptr ? text : "unknown error";
}

}  // namespace sallyport
