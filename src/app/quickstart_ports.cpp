#include "app/quickstart_ports.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "app/loopback_client.h"
#include "base/json.h"

namespace sallyport::app {
namespace {

constexpr int kTries = 100;

struct Port {
  const char* name;
  int usual;
  int QuickstartPorts::* field;
  bool QuickstartRunning::* running;
};

constexpr std::array<Port, 5> kPorts = {{
    {"proxy", 8000, &QuickstartPorts::proxy, &QuickstartRunning::node},
    {"admin", 8001, &QuickstartPorts::admin, &QuickstartRunning::node},
    {"status", 8007, &QuickstartPorts::status, &QuickstartRunning::node},
    {"database", 55432, &QuickstartPorts::database, &QuickstartRunning::database},
    {"echo", 9080, &QuickstartPorts::echo, &QuickstartRunning::echo},
}};

bool is_free(int port, const std::vector<int>& chosen) {
  return std::ranges::find(chosen, port) == chosen.end() &&
         port_is_free(static_cast<uint16_t>(port));
}

}  // namespace

QuickstartPorts usual_quickstart_ports() {
  QuickstartPorts ports;
  for (const Port& port : kPorts) ports.*port.field = port.usual;
  return ports;
}

QuickstartPorts parse_quickstart_ports(const std::string& text) {
  QuickstartPorts ports = usual_quickstart_ports();
  Json last = parse_json(text);
  if (!last.is_object()) return ports;
  for (const Port& port : kPorts) {
    auto found = last.find(port.name);
    if (found == last.end() || !found->is_number_integer()) continue;
    auto number = found->get<int64_t>();
    if (number > 0 && number < 65536) ports.*port.field = static_cast<int>(number);
  }
  return ports;
}

std::string quickstart_ports_text(const QuickstartPorts& ports) {
  Json out = Json::object();
  for (const Port& port : kPorts) out[port.name] = ports.*port.field;
  return out.dump(2) + "\n";
}

Result<QuickstartPorts> choose_quickstart_ports(const QuickstartPorts& asked,
                                                const QuickstartPorts& last,
                                                const QuickstartRunning& running,
                                                std::string& note) {
  QuickstartPorts ports;
  std::vector<int> chosen;
  // What is settled first, so that nothing else takes it: what runs, then what was asked for.
  for (const Port& port : kPorts) {
    bool other = asked.*port.field != 0 && asked.*port.field != last.*port.field;
    bool stays = running.*port.running && !other;
    int wanted = stays ? last.*port.field : asked.*port.field;
    if (wanted == 0) continue;
    bool twice = std::ranges::find(chosen, wanted) != chosen.end();
    if (twice || (!stays && !port_is_free(static_cast<uint16_t>(wanted)))) {
      return fail("quickstart.port", Side::config,
                  fmt::format("port {} for {} is taken{}", wanted, port.name,
                              twice ? " by another part of this quickstart"
                                    : ", or not allowed to this user"),
                  fmt::format("choose another with --{}-port", port.name));
    }
    ports.*port.field = wanted;
    chosen.push_back(wanted);
  }
  for (const Port& port : kPorts) {
    if (ports.*port.field != 0) continue;
    int first = last.*port.field;
    int found = first;
    while (found < first + kTries && found < 65536 && !is_free(found, chosen)) ++found;
    if (found == first + kTries || found == 65536) {
      return fail("quickstart.port", Side::config,
                  fmt::format("no free port from {} to {} for {}", first, found - 1, port.name),
                  fmt::format("choose one with --{}-port", port.name));
    }
    if (found != first) {
      note += fmt::format("{}port {} is taken, {} uses {}", note.empty() ? "" : ", ", first,
                          port.name, found);
    }
    ports.*port.field = found;
    chosen.push_back(found);
  }
  return ports;
}

}  // namespace sallyport::app
