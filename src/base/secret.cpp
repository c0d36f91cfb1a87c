#include "base/secret.h"

#include <cstring>

namespace sallyport {

bool Secret::equals(std::string_view other) const {
  if (value_.size() != other.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < other.size(); ++i) {
    difference |= static_cast<unsigned char>(value_[i]) ^ static_cast<unsigned char>(other[i]);
  }
  return difference == 0;
}

void Secret::wipe() {
  // capacity, not size: a moved-from small string keeps its bytes in place.
  value_.resize(value_.capacity());
  explicit_bzero(value_.data(), value_.size());
  value_.clear();
}

}  // namespace sallyport
