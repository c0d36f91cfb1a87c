// The picture of a chain in a terminal: from the root down, one node a certificate, with its names,
// validity, key and purpose, and what is wrong with it. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/terminal.h"
#include "pki/inventory.h"

namespace sallyport::pki {

struct PictureOptions {
  TextStyle style;
  int64_t now = 0;         // seconds since 1970
  bool long_form = false;  // serials, key identifiers, fingerprints, notes
};

// Certificates as a tree, then revocation lists, then keys; "" when there is nothing.
std::string picture(const Inventory& inventory, const PictureOptions& options);

// A chain, leaf first, that came from somewhere else than files.
std::string picture(const std::vector<Certificate>& chain, const PictureOptions& options);

// "365 days left", "expired 3 days ago", in the colour that it deserves.
std::string time_left(const CertificateInfo& info, const PictureOptions& options);

}  // namespace sallyport::pki
