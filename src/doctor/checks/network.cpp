// From a host name to a TCP connection.
#include <fmt/format.h>

#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

void hosts_file(const Evidence& e, Findings& out) {
  const FileFacts& file = e.files.hosts;
  if (file.path.empty()) return out.skip("dns_hostsfile", "no hosts file is configured");
  if (file.state == FileState::good) return out.ok(file.path, describe(file));
  FileAdvice advice = advise(file);
  out.warn(file.path, describe(file), advice.cause + ": its names are not known", advice.remedy);
}

void resolve(const Evidence& e, Findings& out) {
  for (const HostEvidence& host : e.hosts) {
    if (!host.addresses.empty()) {
      out.ok(host.host, join(host.addresses) + (host.from_hosts_file ? " (dns_hostsfile)" : ""));
      continue;
    }
    out.fail(
        host.host, host.resolve_error, "no address is known for the name",
        fmt::format("getent hosts {0}; look for a typing error in {1}, add the name to {2}, or "
                    "set dns_resolver",
                    host.host, setting_name(e.settings->role, "pg_host"),
                    e.files.hosts.path.empty() ? "/etc/hosts" : e.files.hosts.path));
  }
}

void explain_no_connection(const Probe& probe, const std::string& subject, Findings& out) {
  std::string port = std::to_string(probe.target.port);
  const std::string& address = probe.target.address;
  switch (probe.stop) {
    case Stop::refused:
      return out.fail(subject, probe.system_error,
                      "the machine is there and nothing listens on that port: PostgreSQL is not "
                      "running, listens on other addresses (listen_addresses) or on another port",
                      fmt::format("on the server: systemctl status postgresql; ss -ltn 'sport = "
                                  ":{}'; compare pg_port, and set listen_addresses = '*'",
                                  port));
    case Stop::timeout:
      return out.fail(subject, fmt::format("timeout after {} ms", probe.connect_time.count()),
                      "nothing answers: a firewall or a security group drops the packets, or the "
                      "address is not in use",
                      fmt::format("allow TCP {} from this machine to {}", port, address));
    case Stop::unreachable:
      return out.fail(subject, probe.system_error, "this machine has no route to the address",
                      fmt::format("ip route get {}", address));
    default:
      return out.fail(subject, probe.system_error, "the connection could not be made",
                      fmt::format("nc -vz {} {}", address, port));
  }
}

void connect(const Evidence& e, Findings& out) {
  for (const HostEvidence& host : e.hosts) {
    if (host.probes.empty()) out.skip(host.host, "no address");
    bool wasted = true;  // an address that fails before one that works costs time at each attempt
    const Probe* best = host.best();
    bool reachable = best != nullptr && best->reach != Reach::nothing;
    for (const Probe& probe : host.probes) {
      std::string subject =
          fmt::format("{} ({} port {})", host.host, probe.target.address, probe.target.port);
      if (probe.reach == Reach::nothing && !reachable) {
        explain_no_connection(probe, subject, out);
      } else if (probe.reach == Reach::nothing && wasted) {
        out.warn(subject, probe.system_error,
                 "the name has several addresses, and this one is tried before the one that works",
                 "use the address that works, or remove this one from the name");
      } else if (probe.reach == Reach::nothing) {
        out.skip(subject, probe.system_error + "; another address of the name works");
      } else {
        wasted = false;
        out.ok(subject, fmt::format("connected in {} ms", probe.connect_time.count()));
      }
    }
  }
}

constexpr Check kChecks[] = {
    {"name.hosts_file", Stage::network, "The hosts file can be read",
     "dns_hostsfile (by default /etc/hosts) is looked at before any name server is asked.",
     hosts_file},
    {"name.resolve", Stage::network, "The host names lead to addresses",
     "Every host of pg_host is looked up as the gateway does it: literal addresses first, then "
     "dns_hostsfile, then the name servers of dns_resolver or /etc/resolv.conf.",
     resolve},
    {"net.connect", Stage::network, "The server can be reached",
     "A TCP connection to every address. \"Connection refused\" means that nothing listens there: "
     "the server is down, or listens elsewhere. Silence means that something on the way drops the "
     "packets.",
     connect},
};

}  // namespace

std::span<const Check> network_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
