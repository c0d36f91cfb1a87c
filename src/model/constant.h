// An immutable JSON literal of a declaration: a default value, a list of accepted words, a bound.
// Cheap to copy (shared), any thread, made while the program starts.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "base/json_fwd.h"

namespace sallyport::model {

class Constant {
 public:
  Constant() = default;  // no value at all, which is not the same as null
  Constant(std::nullptr_t);
  Constant(bool value);
  Constant(int value);
  Constant(int64_t value);
  Constant(double value);
  Constant(const char* value);
  Constant(std::string_view value);
  Constant(std::initializer_list<const char*> values);
  Constant(std::initializer_list<int> values);
  explicit Constant(Json value);

  // Parses a JSON text that is written in our own source; aborts when it is broken.
  static Constant parse(std::string_view text);

  bool has_value() const { return value_ != nullptr; }
  const Json& value() const { return *value_; }

 private:
  std::shared_ptr<const Json> value_;
};

}  // namespace sallyport::model
