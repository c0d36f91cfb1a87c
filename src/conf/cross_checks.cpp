#include "conf/cross_checks.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "conf/listen_syntax.h"

namespace sallyport::conf {
namespace {

// The keys of one link to PostgreSQL: pg_* or pg_ro_*.
struct LinkKeys {
  Key ssl, required, verify, verify_host, cert, cert_key, crl, crl_dir, binding;
};
constexpr LinkKeys kMain = {Key::pg_ssl,
                            Key::pg_ssl_required,
                            Key::pg_ssl_verify,
                            Key::pg_ssl_verify_host,
                            Key::pg_ssl_cert,
                            Key::pg_ssl_cert_key,
                            Key::pg_ssl_crl,
                            Key::pg_ssl_crl_dir,
                            Key::pg_channel_binding};
constexpr LinkKeys kReadOnly = {Key::pg_ro_ssl,
                                Key::pg_ro_ssl_required,
                                Key::pg_ro_ssl_verify,
                                Key::pg_ro_ssl_verify_host,
                                Key::pg_ro_ssl_cert,
                                Key::pg_ro_ssl_cert_key,
                                Key::pg_ro_ssl_crl,
                                Key::pg_ro_ssl_crl_dir,
                                Key::pg_ro_channel_binding};

class Checks {
 public:
  Checks(const Settings& settings, Loaded& loaded) : s_(settings), loaded_(loaded) {}

  void run() {
    for (const Fault& fault : loaded_.faults) broken_.insert(fault.key);
    if (sound({Key::database}) && s_.string(Key::database) == "postgres") {
      check_link(kMain);
      if (s_.is_set(Key::pg_ro_host)) check_link(kReadOnly);
      check_read_only();
      check_tokens();
    }
    check_certificate_pair(Key::ssl_cert, Key::ssl_cert_key);
    check_certificate_pair(Key::admin_ssl_cert, Key::admin_ssl_cert_key);
    check_certificate_pair(Key::status_ssl_cert, Key::status_ssl_cert_key);
    check_certificate_pair(Key::admin_gui_ssl_cert, Key::admin_gui_ssl_cert_key);
    check_cipher_suite();
    check_listeners();
    check_admin_access();
    check_workers();
  }

 private:
  bool written(Key key) const { return loaded_.written(key); }
  // False when one of them has a fault of its own already: its value is not what was meant.
  bool sound(std::initializer_list<Key> keys) const {
    return std::ranges::none_of(keys, [&](Key key) {
      return broken_.contains(loaded_.places[std::to_underlying(key)].key);
    });
  }
  void fault(Key key, std::string message) {
    loaded_.faults.push_back(loaded_.fault_at(key, std::move(message)));
  }
  void warn(Key key, std::string message) {
    loaded_.warnings.push_back(loaded_.fault_at(key, std::move(message)));
  }

  void check_link(const LinkKeys& k) {
    if (sound({k.cert, k.cert_key})) check_client_certificate(k);
    if (!sound({k.ssl, k.required, k.verify, k.verify_host, k.crl, k.crl_dir, k.binding})) return;
    if (s_.flag(k.ssl)) {
      check_tls(k);
    } else {
      check_no_tls(k);
    }
  }

  void check_client_certificate(const LinkKeys& k) {
    bool cert = s_.is_set(k.cert);
    if (cert != s_.is_set(k.cert_key)) {
      Key there = cert ? k.cert : k.cert_key;
      fault(there, fmt::format("is written without {}; a client certificate needs both",
                               name(cert ? k.cert_key : k.cert)));
    } else if (cert && written(k.cert) != written(k.cert_key)) {
      Key there = written(k.cert) ? k.cert : k.cert_key;
      fault(there, fmt::format("is written without {}, which would come from the main connection "
                               "and does not belong to it",
                               name(written(k.cert) ? k.cert_key : k.cert)));
    }
  }

  void check_tls(const LinkKeys& k) {
    if (s_.flag(k.verify) && !s_.flag(k.required)) {
      warn(k.verify, fmt::format("protects nothing while {} is off: a server, or anybody on the "
                                 "way to it, that declines TLS gets a plain connection",
                                 name(k.required)));
    }
    if (s_.flag(k.verify)) return;
    for (Key key : {k.crl, k.crl_dir}) {
      if (s_.is_set(key) && written(key)) {
        fault(key, fmt::format("is not looked at while {} is off", name(k.verify)));
      }
    }
    if (written(k.verify_host) && s_.flag(k.verify_host)) {
      warn(k.verify_host, fmt::format("checks nothing while {} is off", name(k.verify)));
    }
  }

  void check_no_tls(const LinkKeys& k) {
    if (s_.string(k.binding) == "require") {
      fault(written(k.binding) ? k.binding : k.ssl,
            fmt::format("channel binding required, but {} is off: it needs TLS", name(k.ssl)));
    }
    for (Key key : {k.required, k.verify}) {
      if (written(key) && s_.flag(key)) {
        warn(key,
             fmt::format("means nothing while {} is off: the connection is plain", name(k.ssl)));
      }
    }
    for (Key key : {k.cert, k.crl, k.crl_dir}) {
      if (written(key) && s_.is_set(key)) {
        warn(key, fmt::format("is not used while {} is off: the connection is plain", name(k.ssl)));
      }
    }
  }

  void check_read_only() {
    if (s_.is_set(Key::pg_ro_host)) return;
    for (const Directive& row : directives()) {
      if (row.section == Section::postgres_read_only && written(row.key)) {
        warn(row.key, "means nothing without pg_ro_host");
        return;
      }
    }
  }

  void check_tokens() {
    constexpr std::array kTokens = {Key::pg_iam_auth, Key::pg_azure_auth, Key::pg_gcp_auth,
                                    Key::pg_oauth_auth};
    const Key* first = nullptr;
    for (const Key& key : kTokens) {
      if (!s_.flag(key)) continue;
      if (first != nullptr) {
        fault(key, fmt::format("and {} exclude each other", name(*first)));
        return;
      }
      first = &key;
    }
  }

  void check_certificate_pair(Key cert, Key key) {
    if (!sound({cert, key})) return;
    size_t certs = s_.list(cert).size();
    size_t keys = s_.list(key).size();
    if (certs == keys) return;
    std::string of_cert = fmt::format("{} certificate{}", certs, certs == 1 ? "" : "s");
    std::string of_key = fmt::format("{} key{}", keys, keys == 1 ? "" : "s");
    fault(certs > 0 ? cert : key,
          certs > 0 ? fmt::format("names {}, {} names {}", of_cert, name(key), of_key)
                    : fmt::format("names {}, {} names {}", of_key, name(cert), of_cert));
  }

  // As in Kong, where this surprises: ssl_protocols = TLSv1.3 alone forbids nothing.
  void check_cipher_suite() {
    if (!sound({Key::ssl_cipher_suite}) || s_.string(Key::ssl_cipher_suite) == "custom") return;
    for (Key key : {Key::ssl_protocols, Key::ssl_ciphers, Key::ssl_prefer_server_ciphers}) {
      if (!written(key)) continue;
      warn(key, fmt::format("is not used: ssl_cipher_suite = {} has its own; set it to custom",
                            s_.string(Key::ssl_cipher_suite)));
    }
  }

  void check_listeners() {
    std::map<std::string, Key> taken;
    if (!sound({Key::proxy_listen, Key::admin_listen, Key::status_listen, Key::stream_listen})) {
      return;
    }
    for (Key key : {Key::proxy_listen, Key::admin_listen, Key::status_listen, Key::stream_listen}) {
      for (const Listen& listen : s_.listen(key)) {
        auto [other, fresh] = taken.emplace(address_text(listen) + (listen.udp ? " udp" : ""), key);
        if (!fresh && other->second != key) {
          fault(written(key) ? key : other->second,
                fmt::format("{} belongs to {} already", address_text(listen),
                            name(written(key) ? other->second : key)));
        }
      }
    }
    if (taken.empty()) warn(Key::proxy_listen, "nothing listens: all listeners are off");
  }

  // Whoever reaches the Admin API owns the gateway.
  void check_admin_access() {
    if (!sound({Key::admin_listen, Key::admin_ssl_client_ca, Key::admin_access_token_file,
                Key::admin_allow_insecure})) {
      return;
    }
    const bool certificates = s_.is_set(Key::admin_ssl_client_ca);
    const bool tokens = s_.is_set(Key::admin_access_token_file);
    bool any_ssl = false, open = false;
    for (const Listen& listen : s_.listen(Key::admin_listen)) {
      any_ssl |= listen.ssl;
      if (is_loopback(listen)) continue;
      if (tokens && !listen.ssl) {
        warn(Key::admin_listen,
             fmt::format("{} takes access tokens over plain connections: add ssl",
                         address_text(listen)));
      }
      if (tokens || (certificates && listen.ssl)) continue;
      open = true;
      if (!s_.flag(Key::admin_allow_insecure)) fault(Key::admin_listen, open_to_all(listen));
    }
    if (certificates && !any_ssl) {
      warn(Key::admin_ssl_client_ca, "asks nobody: no address of admin_listen has ssl");
    }
    if (open && s_.flag(Key::admin_allow_insecure)) {
      warn(Key::admin_allow_insecure, "lets whoever reaches admin_listen own the gateway");
    }
  }

  static std::string open_to_all(const Listen& listen) {
    return fmt::format(
        "{} can be reached from other machines, and whoever reaches the Admin API owns the "
        "gateway: "
        "let clients show certificates with admin_ssl_client_ca{}, or tokens with "
        "admin_access_token_file, or write admin_allow_insecure = on",
        address_text(listen), listen.ssl ? "" : " (and ssl on this address)");
  }

  void check_workers() {
    if (written(Key::workers) && written(Key::nginx_worker_processes) &&
        s_.string(Key::workers) != s_.string(Key::nginx_worker_processes)) {
      warn(Key::workers, fmt::format("holds, and nginx_worker_processes = {} does not",
                                     s_.string(Key::nginx_worker_processes)));
    }
  }

  const Settings& s_;
  Loaded& loaded_;
  std::set<std::string> broken_;  // keys with a fault, as written
};

}  // namespace

void check_pairs(const Settings& settings, Loaded& loaded) {
  Checks(settings, loaded).run();
}

}  // namespace sallyport::conf
