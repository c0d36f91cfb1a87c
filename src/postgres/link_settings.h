// Everything that one link to PostgreSQL is made of, typed and complete; the main link (pg_*) or
// the read-only one (pg_ro_*, which inherits what it leaves out). Immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "conf/settings.h"

namespace sallyport::postgres {

enum class TlsVersion : uint8_t { any, tls1_1, tls1_2, tls1_3 };
enum class ChannelBinding : uint8_t { prefer, require, disable };
enum class LinkRole : uint8_t { main, read_only };

struct LinkSettings {
  LinkRole role = LinkRole::main;
  std::vector<std::string> hosts;  // names or addresses, tried in turn
  std::string address;             // of the only host, where it is known: no name is resolved then
  uint16_t port = 5432;
  Milliseconds timeout{5000};  // pg_timeout: bounds the whole establishment, and each statement
  std::string user;
  Secret password;
  std::string database;
  std::string schema;  // "": the server's current schema

  bool ssl = false;           // pg_ssl
  bool ssl_required = false;  // pg_ssl_required
  bool verify = false;        // pg_ssl_verify: the chain
  bool verify_host = true;    // pg_ssl_verify_host: and the name
  TlsVersion version = TlsVersion::tls1_2;
  std::string certificate;           // pg_ssl_cert; "": none
  std::string key;                   // pg_ssl_cert_key
  std::vector<std::string> trusted;  // lua_ssl_trusted_certificate: `system`, paths, PEM, base64
  int verify_depth = 1;              // lua_ssl_verify_depth: intermediates allowed
  std::string crl;                   // pg_ssl_crl
  std::string crl_directory;         // pg_ssl_crl_dir
  ChannelBinding channel_binding = ChannelBinding::prefer;

  std::string hosts_file;              // dns_hostsfile
  std::vector<std::string> resolvers;  // dns_resolver; empty: /etc/resolv.conf
  std::chrono::seconds max_age{3600};  // pg_max_conn_age; 0: no limit
};

// Errors: "conf.*" naming the setting, when settings contradict each other. Opens no file.
Result<LinkSettings> link_settings(const conf::Settings& settings, LinkRole role);

// The name of a setting as the user wrote it: setting_name(read_only, "pg_ssl_cert") is
// "pg_ro_ssl_cert". Settings that both links share keep their name.
std::string setting_name(LinkRole role, std::string_view name);

}  // namespace sallyport::postgres
