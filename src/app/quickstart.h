// The whole product in one command: certificates, a private PostgreSQL behind `hostssl all all all
// cert`, the schema, a gateway, a service and a route to a small echo upstream, one request, and
// the doctor's report. Steps that are done already are skipped; a run that was cut off is
// completed. Main thread of a command.
#pragma once

#include <string>

#include "app/quickstart_ports.h"
#include "base/error.h"

namespace sallyport::app {

struct QuickstartOptions {
  std::string prefix;        // where everything lives; made when missing
  QuickstartPorts ports;     // on 127.0.0.1; 0: whichever
  std::string postgres_bin;  // where initdb and pg_ctl are; "": where Debian keeps them
};

// $HOME/.local/share/sallyport/quickstart, or /var/lib/sallyport/quickstart for root, whose home
// the server's user may not enter.
std::string default_quickstart_prefix();

// Prints progress and results on standard output.
Result<void> quickstart(const QuickstartOptions& options);

// Ends gateway, echo upstream and PostgreSQL; what they wrote stays.
Result<void> quickstart_stop(const std::string& prefix, const std::string& postgres_bin);

// Ends them and removes the prefix. Error "quickstart.not_ours" when it was not made by quickstart.
Result<void> quickstart_reset(const std::string& prefix, const std::string& postgres_bin);

}  // namespace sallyport::app
