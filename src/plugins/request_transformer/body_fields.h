// The top-level fields of a request body, JSON or a form of either kind, as request-transformer
// changes them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/exchange.h"

namespace sallyport::plugins::request_transformer {

class BodyFields {
 public:
  // Null when the body is of no such kind, or is not what it is said to be: it stays as it is.
  static std::unique_ptr<BodyFields> of(const plugin::Exchange& exchange);
  virtual ~BodyFields() = default;

  virtual bool has(std::string_view name) const = 0;
  virtual void remove(std::string_view name) = 0;
  virtual void rename(std::string_view from, std::string_view to) = 0;
  virtual void set(std::string_view name, std::string_view value) = 0;
  virtual void append(std::string_view name, std::string_view value) = 0;
  virtual std::string text() const = 0;
};

}  // namespace sallyport::plugins::request_transformer
