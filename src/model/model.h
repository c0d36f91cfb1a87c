// The node's copy of the configuration: every entity that the data plane needs, by id. Owned and
// changed by the control thread only; snapshots share its immutable parts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "model/certificates.h"
#include "model/consumer.h"
#include "model/entities.h"
#include "model/plugin_row.h"
#include "model/upstream.h"

namespace sallyport::model {

struct Model {
  std::unordered_map<std::string, std::shared_ptr<const Service>> services;
  std::unordered_map<std::string, std::shared_ptr<const Route>> routes;
  std::unordered_map<std::string, std::shared_ptr<const Upstream>> upstreams;
  std::unordered_map<std::string, std::shared_ptr<const Target>> targets;
  std::unordered_map<std::string, std::shared_ptr<const PluginRow>> plugins;
  std::unordered_map<std::string, std::shared_ptr<const Consumer>> consumers;
  std::unordered_map<std::string, std::shared_ptr<const KeyCredential>> key_credentials;
  std::unordered_map<std::string, std::shared_ptr<const BasicCredential>> basic_credentials;
  std::unordered_map<std::string, std::shared_ptr<const AclGroup>> acl_groups;
  std::unordered_map<std::string, std::shared_ptr<const Certificate>> certificates;
  std::unordered_map<std::string, std::shared_ptr<const Sni>> snis;
  std::unordered_map<std::string, std::shared_ptr<const CaCertificate>> ca_certificates;
  int64_t sequence = 0;  // the last change-log entry that is in here
};

}  // namespace sallyport::model
