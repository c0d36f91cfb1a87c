// The files of one link — trust anchors, CRLs, client certificate and key — read anew for every
// connection, so that a rotation needs no restart. Any thread.
#pragma once

#include "base/error.h"
#include "postgres/client_identity.h"
#include "postgres/link_settings.h"
#include "postgres/revocation_lists.h"
#include "postgres/trust_anchors.h"

namespace sallyport::postgres {

struct LinkFiles {
  TrustAnchors anchors;  // empty unless the link verifies
  RevocationLists revocations;
  ClientIdentity identity;
};

// What the settings name, as it is on disk now. Errors: "conf.*", naming setting and file.
Result<LinkFiles> read_link_files(const LinkSettings& settings);

// The same for a running gateway: a file that has become bad is warned of, and what was last good
// under the same settings stays in use. An error only when this process never saw it good.
Result<LinkFiles> usable_link_files(const LinkSettings& settings);

}  // namespace sallyport::postgres
