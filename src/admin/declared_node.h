// A node without a database, as POST /config sees it. The application implements it (app/); the
// Admin API calls it on the control thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "model/declarative.h"

namespace sallyport::admin {

// What the hash is before anything was loaded.
inline constexpr std::string_view kNoConfigurationHash = "00000000000000000000000000000000";

class DeclaredNode {
 public:
  virtual ~DeclaredNode() = default;

  virtual const model::Declaration& declaration() const = 0;
  virtual std::string configuration_hash() const = 0;
  // Makes it the configuration of every worker; `text` is what it was read from, kept for the next
  // start.
  virtual Result<void> apply(model::Declaration declaration, std::string_view text) = 0;
};

}  // namespace sallyport::admin
