// A value that must not be seen: a password, a key's pass phrase, a token. It has no formatter, no
// stream operator and no comparison that leaks time; its bytes are wiped when it dies.
#pragma once

#include <string>
#include <string_view>

namespace sallyport {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      value_ = other.value_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      value_ = std::move(other.value_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  bool empty() const { return value_.empty(); }

  // The clear text, valid while this Secret lives. The one place a reader looks for leaks.
  const std::string& reveal() const { return value_; }

  // Equal in a time that depends on the lengths only.
  bool equals(std::string_view other) const;

 private:
  void wipe();

  std::string value_;
};

}  // namespace sallyport
