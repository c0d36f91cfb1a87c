#include "doctor/gather.h"

#include <algorithm>
#include <array>
#include <functional>
#include <thread>

#include <openssl/ssl.h>

#include "doctor/queries.h"
#include "postgres/connection.h"
#include "postgres/host_resolver.h"

namespace sallyport::doctor {
namespace {

using postgres::LinkSettings;

// A look of our own waits no longer than this, whatever pg_timeout says; nor does the session
// beyond the second. Both together keep the worst case, a silent server, below 20 s.
constexpr Milliseconds kLookLimit{4000};
constexpr Milliseconds kSessionLimit{8000};
constexpr size_t kMaxAddresses = 8;
constexpr std::array kVersions = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};

TimePoint look_deadline(const LinkSettings& settings) {
  return Clock::now() + std::min(settings.timeout, kLookLimit);
}

// Runs all jobs at the same time and waits for them.
void together(const std::vector<std::function<void()>>& jobs) {
  std::vector<std::jthread> threads;
  threads.reserve(jobs.size());
  for (const auto& job : jobs) threads.emplace_back(job);
}

void resolve(const LinkSettings& settings, HostEvidence& host) {
  auto found = postgres::resolve_host(host.host, {settings.hosts_file, settings.resolvers},
                                      look_deadline(settings));
  if (!found) {
    host.resolve_error = found.error().detail;
    return;
  }
  host.addresses = std::move(found->addresses);
  host.from_hosts_file = found->from_hosts_file;
  if (host.addresses.size() > kMaxAddresses) host.addresses.resize(kMaxAddresses);
}

void look(const LinkSettings& settings, HostEvidence& host) {
  host.probes.resize(host.addresses.size());
  std::vector<std::function<void()>> jobs;
  for (size_t i = 0; i < host.addresses.size(); ++i) {
    jobs.emplace_back([&settings, &host, i] {
      host.probes[i] = probe({host.host, host.addresses[i], settings.port},
                             {.deadline = look_deadline(settings)});
    });
  }
  together(jobs);
}

void look_at_versions(const LinkSettings& settings, HostEvidence& host) {
  const Probe* best = host.best();
  // A server that hung up in the handshake may do so at our TLS 1.3 only: ask for each version.
  if (best == nullptr || best->reach < Reach::answered || best->stop == Stop::timeout ||
      best->injected) {
    return;
  }
  ProbeTarget target = best->target;
  host.versions.resize(kVersions.size());
  std::vector<std::function<void()>> jobs;
  for (size_t i = 0; i < kVersions.size(); ++i) {
    jobs.emplace_back([&settings, &host, target, i] {
      host.versions[i] =
          probe(target, {.deadline = look_deadline(settings), .version = kVersions[i]});
    });
  }
  together(jobs);
}

void judge(const Files& files, int64_t now, HostEvidence& host) {
  for (const Probe& probe : host.probes) {
    if (probe.chain.empty()) continue;
    host.chain = judge_chain(probe.chain, files, host.host, now);
    return;
  }
}

void look_at_hosts(Evidence& evidence) {
  const LinkSettings& settings = *evidence.settings;
  for (const std::string& name : settings.hosts) evidence.hosts.emplace_back().host = name;
  std::vector<std::function<void()>> jobs;
  for (HostEvidence& host : evidence.hosts) {
    jobs.emplace_back([&evidence, &settings, &host] {
      resolve(settings, host);
      look(settings, host);
      judge(evidence.files, evidence.now, host);
    });
  }
  together(jobs);
}

// After the session: a slow server shall not be slowed down further before the decisive step.
void look_at_versions(Evidence& evidence) {
  std::vector<std::function<void()>> jobs;
  for (HostEvidence& host : evidence.hosts) {
    jobs.emplace_back([&evidence, &host] { look_at_versions(*evidence.settings, host); });
  }
  together(jobs);
}

void open_session(Evidence& evidence) {
  LinkSettings settings = *evidence.settings;
  settings.timeout = std::min(settings.timeout, kSessionLimit);
  Outcome& outcome = evidence.outcome;
  outcome.attempted = true;
  auto start = Clock::now();
  auto connection = postgres::Connection::open(settings, &outcome.state);
  outcome.elapsed = std::chrono::duration_cast<Milliseconds>(Clock::now() - start);
  outcome.connected = connection.has_value();
  if (connection) {
    evidence.server = ask_server(*connection);
  } else {
    outcome.error = connection.error();
  }
}

// The client certificate may be shown to a server that the link itself would show it to.
bool may_show_identity(const Evidence& evidence, const HostEvidence& host) {
  const LinkSettings& settings = *evidence.settings;
  if (!settings.ssl || !evidence.files.certificate || !evidence.files.key) return false;
  if (evidence.files.certificate->certificates.empty() || !evidence.files.key->key) return false;
  if (!settings.verify) return true;
  return host.chain && host.chain->trust.valid &&
         (host.chain->name_matches || !settings.verify_host);
}

void show_identity(Evidence& evidence) {
  const HostEvidence* host = evidence.decisive_host();
  if (evidence.outcome.connected || host == nullptr || !may_show_identity(evidence, *host)) return;
  const Probe* best = host->best();
  if (best == nullptr || best->reach != Reach::secured || !best->certificate_requested) return;
  ProbeIdentity identity{evidence.files.certificate->certificates, *evidence.files.key->key};
  evidence.identity =
      probe(best->target, {.deadline = look_deadline(*evidence.settings), .identity = &identity});
}

}  // namespace

Evidence gather(const conf::Loaded& configuration, postgres::LinkRole role) {
  Evidence evidence;
  evidence.now = unix_seconds();
  evidence.configuration = configuration.path;
  evidence.faults = configuration.faults;
  evidence.warnings = configuration.warnings;
  if (!evidence.faults.empty()) return evidence;

  const conf::Settings& all = configuration.settings;
  evidence.database_off = all.string(conf::Key::database) == "off";
  if (!configuration.path.empty()) {
    evidence.configuration_file = look_at_file("configuration", configuration.path);
  }
  evidence.password_in_file = all.origin(conf::Key::pg_password) == conf::Origin::file;
  auto settings = postgres::link_settings(all, role);
  if (!settings) {
    evidence.contradiction = settings.error();
    return evidence;
  }
  evidence.settings = std::move(*settings);
  evidence.files = read_files(*evidence.settings);
  look_at_hosts(evidence);
  open_session(evidence);
  look_at_versions(evidence);
  show_identity(evidence);
  return evidence;
}

}  // namespace sallyport::doctor
