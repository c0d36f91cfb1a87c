#include "postgres/libpq_parameters.h"

#include <algorithm>
#include <cstdint>

#include <libpq-fe.h>
#include <stdlib.h>

#include "postgres/nobody_file.h"

namespace sallyport::postgres {
namespace {

// A path below a file cannot exist, whatever anybody creates.
constexpr const char* kNoFile = "/dev/null/none";

const char* ssl_mode(const LinkSettings& settings) {
  // Without a file for libpq, TlsCheck alone verifies: it sets SSL_VERIFY_PEER on
  // the context itself.
  if (!settings.verify || nobody_file() == nullptr) return "require";
  return settings.verify_host ? "verify-full" : "verify-ca";
}

const char* lowest_version(TlsVersion version) {
  switch (version) {
    case TlsVersion::tls1_2:
      return "TLSv1.2";
    case TlsVersion::tls1_3:
      return "TLSv1.3";
    case TlsVersion::tls1_1:
    case TlsVersion::any:
      return "TLSv1.1";
  }
  return "TLSv1.2";
}

const char* highest_version(TlsVersion version) {
  return version == TlsVersion::any ? "TLSv1.3" : lowest_version(version);
}

const char* word(ChannelBinding binding) {
  switch (binding) {
    case ChannelBinding::require:
      return "require";
    case ChannelBinding::disable:
      return "disable";
    case ChannelBinding::prefer:
      return "prefer";
  }
  return "prefer";
}

std::vector<std::string> environment_names() {
  // Those that are no connection parameter. PGSERVICE goes first: with a service that is not there
  // PQconndefaults fails.
  std::vector<std::string> names = {"PGSERVICE",   "PGSERVICEFILE", "PGSYSCONFDIR", "PGLOCALEDIR",
                                    "PGDATESTYLE", "PGTZ",          "PGGEQO",       "PGREALM"};
  unsetenv("PGSERVICE");
  PQconninfoOption* options = PQconndefaults();
  for (PQconninfoOption* option = options; option && option->keyword; ++option) {
    if (option->envvar != nullptr) names.emplace_back(option->envvar);
  }
  PQconninfoFree(options);
  return names;
}

}  // namespace

LibpqParameters::LibpqParameters(const LinkSettings& settings, const LinkTarget& target,
                                 Encryption encryption) {
  bool tls = encryption == Encryption::tls;
  set("host", target.host);
  set("hostaddr", target.address);
  set("port", std::to_string(settings.port));
  set("user", settings.user);
  set("dbname", settings.database);
  if (!settings.password.empty()) {
    keywords_.push_back("password");
    values_.push_back(settings.password.reveal().c_str());
  }
  set("passfile", kNoFile);
  set("channel_binding", word(settings.channel_binding));
  set("connect_timeout", "0");  // PQconnectPoll ignores it: the deadline is ours
  set("client_encoding", "UTF8");
  set("application_name", "sallyport");
  set("fallback_application_name", "sallyport");
  // A peer that vanished is noticed within a minute, also by a session that only listens.
  set("keepalives", "1");
  set("keepalives_idle", "30");
  set("keepalives_interval", "10");
  set("keepalives_count", "3");
  set("tcp_user_timeout", std::to_string(std::max<int64_t>(settings.timeout.count() * 2, 10'000)));
  set("sslmode", tls ? ssl_mode(settings) : "disable");
  set("sslcompression", "0");
  set("sslsni", "1");
  // Certificates and keys reach OpenSSL from memory, through TlsCheck.
  set("sslcert", kNoFile);
  set("sslkey", kNoFile);
  set("sslrootcert", tls && settings.verify && nobody_file() ? nobody_file() : kNoFile);
  set("sslcrl", kNoFile);
  set("sslcrldir", kNoFile);
  set("ssl_min_protocol_version", lowest_version(settings.version));
  set("ssl_max_protocol_version", highest_version(settings.version));
  set("gssencmode", "disable");
  set("krbsrvname", "postgres");
  set("target_session_attrs", "any");
  keywords_.push_back(nullptr);
  values_.push_back(nullptr);
}

void LibpqParameters::set(const char* keyword, std::string value) {
  keywords_.push_back(keyword);
  values_.push_back(storage_.emplace_back(std::move(value)).c_str());
}

std::string LibpqParameters::value(std::string_view keyword) const {
  for (size_t i = 0; keywords_[i] != nullptr; ++i) {
    if (keyword == keywords_[i]) return values_[i];
  }
  return {};
}

void forget_libpq_environment() {
  static const std::vector<std::string> names = environment_names();
  for (const std::string& name : names) unsetenv(name.c_str());
}

}  // namespace sallyport::postgres
