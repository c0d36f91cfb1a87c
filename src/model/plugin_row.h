// A row of `plugins`: a configured plugin and what it is for. Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/json_fwd.h"
#include "model/entities.h"

namespace sallyport::model {

struct PluginRow {
  std::string id;
  std::string name;
  std::string route_id;     // "" for any
  std::string service_id;   // "" for any
  std::string consumer_id;  // "" for any
  std::string config;       // JSON text
  bool enabled = true;
  bool http = false;  // among its protocols: http or grpc
  bool https = false;
  uint8_t protocols = 0;  // all of them: bit 1 << Protocol

  bool is_for(Protocol protocol) const {
    return (protocols >> static_cast<unsigned>(protocol) & 1) != 0;
  }
  bool operator==(const PluginRow&) const = default;
};

// Errors: "model.row", as in entities.h.
Result<PluginRow> decode_plugin(const Json& row);

}  // namespace sallyport::model
