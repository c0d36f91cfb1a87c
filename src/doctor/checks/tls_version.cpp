// Which TLS versions the server offers, against what the settings ask for.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

using postgres::TlsVersion;

struct Wanted {
  std::string_view word;     // of pg_ssl_version
  std::string_view version;  // as OpenSSL calls it
};

Wanted wanted(TlsVersion version) {
  switch (version) {
    case TlsVersion::tls1_1:
      return {"tlsv1_1", "TLSv1.1"};
    case TlsVersion::tls1_2:
      return {"tlsv1_2", "TLSv1.2"};
    case TlsVersion::tls1_3:
      return {"tlsv1_3", "TLSv1.3"};
    case TlsVersion::any:
      break;
  }
  return {"any", ""};
}

std::vector<std::string> offered(const HostEvidence& host) {
  std::vector<std::string> all;
  for (const Probe& probe : host.versions) {
    if (probe.reach == Reach::secured) all.push_back(probe.version);
  }
  return all;
}

bool has(const std::vector<std::string>& versions, std::string_view version) {
  return std::ranges::find(versions, version) != versions.end();
}

template <typename Look>
void each_known(const Evidence& e, Findings& out, Look look) {
  for (const HostEvidence& host : e.hosts) {
    auto versions = offered(host);
    if (versions.empty()) {
      out.skip(host.host, "no TLS handshake succeeded");
    } else {
      look(host.host, versions);
    }
  }
}

void version(const Evidence& e, Findings& out) {
  if (!e.settings->ssl) return out.skip({}, "TLS is not asked for");
  Wanted want = wanted(e.settings->version);
  std::string name = setting_name(e.settings->role, "pg_ssl_version");
  each_known(e, out, [&](const std::string& host, const std::vector<std::string>& versions) {
    std::string seen =
        fmt::format("the server offers {}; {} = {}", join(versions), name, want.word);
    bool modern = has(versions, "TLSv1.2") || has(versions, "TLSv1.3");
    if (want.version.empty() && !modern) {
      return out.fail(host, seen + " (unsupported protocol, alert protocol version, legacy sigalg)",
                      "the server speaks only TLS versions that OpenSSL 3 does not use any more",
                      "update the server, or set ssl_max_protocol_version = '' in postgresql.conf");
    }
    if (want.version.empty()) return out.ok(host, seen);
    if (!has(versions, want.version)) {
      return out.fail(host, seen + " (tlsv1 alert protocol version, unsupported protocol)",
                      fmt::format("{} = {} means exactly that version, and the server does not "
                                  "offer it",
                                  name, want.word),
                      fmt::format("set {} = {}, or change ssl_min_protocol_version and "
                                  "ssl_max_protocol_version on the server",
                                  name, has(versions, "TLSv1.3") ? "tlsv1_3" : "any"));
    }
    if (has(versions, "TLSv1.3") && want.version != "TLSv1.3") {
      return out.warn(
          host, seen,
          "the setting means exactly that version: the link does without TLS 1.3, which "
          "both sides have",
          fmt::format("set {} = tlsv1_3, or any", name));
    }
    out.ok(host, seen);
  });
}

void old_versions(const Evidence& e, Findings& out) {
  each_known(e, out, [&](const std::string& host, const std::vector<std::string>& versions) {
    std::string seen = "the server offers " + join(versions);
    if (!has(versions, "TLSv1") && !has(versions, "TLSv1.1")) return out.ok(host, seen);
    out.warn(host, seen, "TLS 1.0 and 1.1 are broken in several ways (RFC 8996 forbids them)",
             "set ssl_min_protocol_version = 'TLSv1.2' in postgresql.conf and reload");
  });
}

// What the link uses, or would use: the exact version where one is set.
const Probe* in_use(const HostEvidence& host, std::string_view version) {
  const Probe* found = nullptr;
  for (const Probe& probe : host.versions) {
    if (probe.reach != Reach::secured) continue;
    if (version.empty() || probe.version == version) found = &probe;
  }
  return found;
}

void cipher(const Evidence& e, Findings& out) {
  if (!e.settings->ssl) return out.skip({}, "TLS is not asked for");
  for (const HostEvidence& host : e.hosts) {
    const Probe* probe = in_use(host, wanted(e.settings->version).version);
    if (probe == nullptr) {
      out.skip(host.host, "no TLS handshake succeeded");
      continue;
    }
    bool used = e.outcome.state.tls && e.outcome.state.host == host.host;
    const std::string& name =
        used && !e.outcome.state.cipher.empty() ? e.outcome.state.cipher : probe->cipher;
    bool secret = name.starts_with("TLS_") || name.find("DHE") != name.npos;
    bool aead = name.find("GCM") != name.npos || name.find("CHACHA20") != name.npos ||
                name.find("CCM") != name.npos;
    std::string seen = fmt::format("{} {}", probe->version, name);
    if (secret && aead) {
      out.ok(host.host, seen);
    } else {
      out.warn(host.host, seen,
               secret ? "the cipher authenticates after the fact (no AEAD); newer software drops it"
                      : "whoever gets the server's key later can read what was recorded today (no "
                        "forward secrecy)",
               "set ssl_ciphers = 'HIGH:!aNULL' and ssl_prefer_server_ciphers = on in "
               "postgresql.conf, or use TLS 1.3");
    }
  }
}

constexpr Check kChecks[] = {
    {"tls.version", Stage::tls, "The server offers the wanted TLS version",
     "pg_ssl_version means exactly one version, as in Kong: tlsv1_1, tlsv1_2 (the default), "
     "tlsv1_3; or `any`, the best that both sides have. The server is asked for each version by "
     "a handshake of its own, so the evidence names what it really offers.",
     version},
    {"tls.old_versions", Stage::tls, "The server offers no outdated TLS version",
     "PostgreSQL 13 and later offer nothing below TLS 1.2 unless told to. TLS 1.0 and 1.1 were "
     "withdrawn by RFC 8996, and OpenSSL 3 uses them only with its security level lowered to 0.",
     old_versions},
    {"tls.cipher", Stage::tls, "The cipher keeps its secrets",
     "Forward secrecy (ECDHE, DHE) means that a key stolen later does not open what was recorded "
     "earlier; an AEAD cipher (GCM, ChaCha20) encrypts and authenticates in one step. All TLS 1.3 "
     "ciphers have both.",
     cipher},
};

}  // namespace

std::span<const Check> tls_version_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
