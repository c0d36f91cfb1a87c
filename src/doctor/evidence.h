// Everything that the doctor has seen, as plain values: gathered once (gather.h), read by the
// checks. Holds no secret; a password is known here only as set or not set.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "conf/loader.h"
#include "doctor/chain.h"
#include "doctor/files.h"
#include "doctor/probe.h"
#include "postgres/link_settings.h"
#include "postgres/link_state.h"

namespace sallyport::doctor {

struct HostEvidence {
  std::string host;
  std::vector<std::string> addresses;
  std::string resolve_error;  // "" when there are addresses
  bool from_hosts_file = false;
  std::vector<Probe> probes;            // one for each address, in their order
  std::vector<Probe> versions;          // exact versions, against the first address that speaks TLS
  std::optional<ChainJudgement> chain;  // of the first address that showed one

  const Probe* best() const;  // the probe that got furthest; null without addresses
};

// What the session itself told, each only as far as the role may read it.
struct ServerFacts {
  std::map<std::string, std::string> values;    // by name, see queries.cpp
  std::map<std::string, std::string> refusals;  // the same names, with the server's words
  std::vector<std::vector<std::string>> hba;    // type, database, user, address, method, options

  const std::string* find(const std::string& name) const;
};

struct Outcome {
  bool attempted = false;
  bool connected = false;
  Error error;  // of Connection::open, when not connected
  postgres::LinkState state;
  Milliseconds elapsed{0};
};

struct Evidence {
  int64_t now = 0;            // Unix seconds, ours
  std::string configuration;  // the path that was read
  std::vector<conf::Fault> faults;
  std::vector<conf::Fault> warnings;
  std::optional<Error> contradiction;              // of postgres::link_settings
  std::optional<postgres::LinkSettings> settings;  // absent: nothing below was looked at
  bool database_off = false;                       // database = off
  FileFacts configuration_file;                    // empty path: none was read
  bool password_in_file = false;                   // pg_password is written in that file

  Files files;
  std::vector<HostEvidence> hosts;
  Outcome outcome;
  std::optional<Probe> identity;  // a handshake that shows the client certificate and waits
  ServerFacts server;

  // The host that the session was opened with, or the only one, or the first.
  const HostEvidence* decisive_host() const;
};

}  // namespace sallyport::doctor
