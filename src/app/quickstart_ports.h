// Which ports quickstart uses: those asked for, those of the last run, the usual ones, or the next
// that are free. Main thread of a command.
#pragma once

#include <string>

#include "base/error.h"

namespace sallyport::app {

struct QuickstartPorts {
  int proxy = 0;
  int admin = 0;
  int status = 0;
  int database = 0;
  int echo = 0;

  bool operator==(const QuickstartPorts&) const = default;
};

// What listens already, on ports of the last run: those stay, unless others are asked for.
struct QuickstartRunning {
  bool node = false;  // proxy, admin, status
  bool database = false;
  bool echo = false;
};

// Usual ports where there was no last run.
QuickstartPorts usual_quickstart_ports();

// From and to the text of quickstart.json; what is not there is the usual one.
QuickstartPorts parse_quickstart_ports(const std::string& text);
std::string quickstart_ports_text(const QuickstartPorts& ports);

// `asked`: 0 for whichever. `note` gets a word on every port that is not the one of last time.
// Errors: "quickstart.port", naming the option.
Result<QuickstartPorts> choose_quickstart_ports(const QuickstartPorts& asked,
                                                const QuickstartPorts& last,
                                                const QuickstartRunning& running,
                                                std::string& note);

}  // namespace sallyport::app
