// A body of the operator's own for errors, in Kong's form: the first %s stands for the message, the
// second for the request's id, both may lack; %% is a %. Immutable; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sallyport::proxy {

class ErrorTemplate {
 public:
  // Errors: "gateway.error_template". Any other % is taken as it stands, as in `width: 100%;`.
  static Result<ErrorTemplate> parse(std::string_view text);

  std::string fill(std::string_view message, std::string_view request_id) const;

 private:
  std::array<std::string, 3> parts_;
  size_t places_ = 0;
};

}  // namespace sallyport::proxy
