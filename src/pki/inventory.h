// What files and directories hold: certificates, revocation lists and keys, each with what there is
// to say about it. The ground for `pki show`. Blocking; reads only, and never opens an encrypted
// key.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "pki/certificate.h"
#include "pki/findings.h"
#include "pki/revocation.h"

namespace sallyport::pki {

struct InventoryCertificate {
  Certificate certificate;
  std::vector<std::string> files;  // where it is the first; else where it is at all
  bool leads_file = false;
  bool asked_for = true;  // false: a neighbour, there to complete the picture
  Purpose purpose = Purpose::any;
  std::vector<Finding> findings;
};

struct InventoryList {
  RevocationList list;
  std::vector<std::string> files;
  std::vector<Finding> findings;
};

struct InventoryKey {
  std::string file;
  std::string kind;  // "EC P-256"; "" when encrypted or unreadable
  bool encrypted = false;
  uint32_t mode = 0;
  std::vector<Finding> findings;
};

struct Inventory {
  std::vector<InventoryCertificate> certificates;  // in the order found, each once
  std::vector<InventoryList> lists;
  std::vector<InventoryKey> keys;
  std::vector<Error> errors;  // files that cannot be read
};

// Looks at files, and at the *.crt, *.pem, *.crl and *.key of directories.
Inventory take_inventory(const std::vector<std::string>& paths, int64_t now);

// What a certificate file is for: by the certificate's extensions, else by the file's name.
Purpose purpose_of(const CertificateInfo& info, std::string_view file);

Json to_json(const Inventory& inventory, int64_t now);

}  // namespace sallyport::pki
