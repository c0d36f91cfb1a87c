#include "postgres/link_settings.h"

#include <fmt/format.h>

#include "conf/dns_settings.h"

namespace sallyport::postgres {
namespace {

using conf::Key;

// The two keys of one setting: pg_x and pg_ro_x.
struct Pair {
  Key main;
  Key read_only;
  Key of(LinkRole role) const { return role == LinkRole::main ? main : read_only; }
};

TlsVersion parse_version(std::string_view word) {
  if (word == "tlsv1_1") return TlsVersion::tls1_1;
  if (word == "tlsv1_3") return TlsVersion::tls1_3;
  if (word == "any") return TlsVersion::any;
  return TlsVersion::tls1_2;
}

ChannelBinding parse_channel_binding(std::string_view word) {
  if (word == "require") return ChannelBinding::require;
  if (word == "disable") return ChannelBinding::disable;
  return ChannelBinding::prefer;
}

// "[::1]" and "::1" are the same address; libpq and the hosts file know the second form only.
std::string without_brackets(const std::string& host) {
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

std::unexpected<Error> contradiction(std::string_view code, std::string detail,
                                     std::string remedy) {
  return fail(code, Side::config, std::move(detail), std::move(remedy));
}

Result<void> check_hosts(const LinkSettings& link) {
  std::string name = setting_name(link.role, "pg_host");
  if (link.hosts.empty()) {
    return contradiction("conf.pg_host", name + " names no host",
                         "Write a host name or an address");
  }
  for (const std::string& host : link.hosts) {
    // A slash would make libpq take it for a socket directory, '@' for an abstract socket.
    if (host.find_first_of("/@, \t") == std::string::npos) continue;
    return contradiction("conf.pg_host", fmt::format("{}: \"{}\" is no host name", name, host),
                         "Write host names or addresses; the port belongs into pg_port");
  }
  return {};
}

Result<void> check_tls(const LinkSettings& link) {
  auto name = [&](std::string_view key) { return setting_name(link.role, key); };
  if (link.channel_binding == ChannelBinding::require && !link.ssl) {
    return contradiction("conf.pg_channel_binding",
                         fmt::format("{} = require: channel binding required, but SSL not in use",
                                     name("pg_channel_binding")),
                         fmt::format("Set {} = on", name("pg_ssl")));
  }
  if (!link.ssl) return {};
  if (!link.certificate.empty() && link.key.empty()) {
    return contradiction(
        "conf.pg_ssl_cert_key",
        fmt::format("{} is set, but {} is not", name("pg_ssl_cert"), name("pg_ssl_cert_key")),
        "Name the file with the private key of the certificate");
  }
  if (link.certificate.empty() && !link.key.empty()) {
    return contradiction(
        "conf.pg_ssl_cert",
        fmt::format("{} is set, but {} is not", name("pg_ssl_cert_key"), name("pg_ssl_cert")),
        "Name the file with the client certificate");
  }
  if (!link.verify && !(link.crl.empty() && link.crl_directory.empty())) {
    std::string_view which = link.crl.empty() ? "pg_ssl_crl_dir" : "pg_ssl_crl";
    return contradiction("conf.pg_ssl_crl",
                         fmt::format("{} is set, but {} is off: nobody would look at it",
                                     name(which), name("pg_ssl_verify")),
                         fmt::format("Set {} = on", name("pg_ssl_verify")));
  }
  return {};
}

}  // namespace

std::string setting_name(LinkRole role, std::string_view name) {
  if (role == LinkRole::main || !name.starts_with("pg_")) return std::string(name);
  return "pg_ro_" + std::string(name.substr(3));
}

Result<LinkSettings> link_settings(const conf::Settings& settings, LinkRole role) {
  LinkSettings link;
  link.role = role;
  auto flag = [&](Pair pair) { return settings.flag(pair.of(role)); };
  auto integer = [&](Pair pair) { return settings.integer(pair.of(role)); };
  auto string = [&](Pair pair) -> const std::string& { return settings.string(pair.of(role)); };

  for (const std::string& host : settings.list(Pair{Key::pg_host, Key::pg_ro_host}.of(role))) {
    link.hosts.push_back(without_brackets(host));
  }
  link.port = static_cast<uint16_t>(integer({Key::pg_port, Key::pg_ro_port}));
  link.timeout = Milliseconds(integer({Key::pg_timeout, Key::pg_ro_timeout}));
  link.user = string({Key::pg_user, Key::pg_ro_user});
  link.password = settings.secret(Pair{Key::pg_password, Key::pg_ro_password}.of(role));
  link.database = string({Key::pg_database, Key::pg_ro_database});
  link.schema = string({Key::pg_schema, Key::pg_ro_schema});

  link.ssl = flag({Key::pg_ssl, Key::pg_ro_ssl});
  link.ssl_required = flag({Key::pg_ssl_required, Key::pg_ro_ssl_required});
  link.verify = flag({Key::pg_ssl_verify, Key::pg_ro_ssl_verify});
  link.verify_host = flag({Key::pg_ssl_verify_host, Key::pg_ro_ssl_verify_host});
  link.version = parse_version(string({Key::pg_ssl_version, Key::pg_ro_ssl_version}));
  link.certificate = string({Key::pg_ssl_cert, Key::pg_ro_ssl_cert});
  link.key = string({Key::pg_ssl_cert_key, Key::pg_ro_ssl_cert_key});
  link.trusted = settings.list(Key::lua_ssl_trusted_certificate);
  link.verify_depth = static_cast<int>(settings.integer(Key::lua_ssl_verify_depth));
  link.crl = string({Key::pg_ssl_crl, Key::pg_ro_ssl_crl});
  link.crl_directory = string({Key::pg_ssl_crl_dir, Key::pg_ro_ssl_crl_dir});
  link.channel_binding =
      parse_channel_binding(string({Key::pg_channel_binding, Key::pg_ro_channel_binding}));

  conf::DnsSettings dns = conf::DnsSettings::of(settings);
  link.hosts_file = std::move(dns.hosts_file);
  link.resolvers = std::move(dns.servers);
  link.max_age = std::chrono::seconds(integer({Key::pg_max_conn_age, Key::pg_ro_max_conn_age}));

  if (auto good = check_hosts(link); !good) return fail(good.error());
  if (auto good = check_tls(link); !good) return fail(good.error());
  return link;
}

}  // namespace sallyport::postgres
