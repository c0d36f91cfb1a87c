#include "app/configuration_files.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "admin/access_tokens.h"
#include "app/gateway_options.h"
#include "base/file.h"
#include "net/tls_policy.h"
#include "pki/certificate.h"
#include "pki/key.h"
#include "postgres/client_identity.h"
#include "postgres/link_settings.h"
#include "postgres/revocation_lists.h"
#include "postgres/trust_anchors.h"

namespace sallyport::app {
namespace {

using conf::Key;

class FileChecks {
 public:
  explicit FileChecks(const conf::Loaded& loaded) : loaded_(loaded), s_(loaded.settings) {}

  std::vector<conf::Fault> run() {
    if (s_.string(Key::database) == "postgres") {
      check_link(postgres::LinkRole::main);
      if (s_.is_set(Key::pg_ro_host)) check_link(postgres::LinkRole::read_only);
    }
    check_listener(Key::proxy_listen, Key::ssl_cert, Key::ssl_cert_key);
    check_listener(Key::admin_listen, Key::admin_ssl_cert, Key::admin_ssl_cert_key);
    check_listener(Key::status_listen, Key::status_ssl_cert, Key::status_ssl_cert_key);
    check_admin_access();
    check_tls_policy();
    for (const auto& [key, format] : error_template_keys()) {
      if (!s_.is_set(key)) continue;
      if (auto read = read_error_template(s_, key); !read) add(key, read.error());
    }
    return std::move(faults_);
  }

 private:
  // The setting that an error of a link is about: "conf.pg_ssl_cert" of the read-only one is
  // pg_ro_ssl_cert, or pg_ssl_cert if that is where it comes from.
  Key key_of(const Error& error, postgres::LinkRole role) const {
    std::string_view code = error.code;
    if (code.starts_with("conf.")) code.remove_prefix(5);
    auto key = conf::find_key(postgres::setting_name(role, code));
    if (!key) key = conf::find_key(code);
    if (!key) return Key::pg_host;
    return s_.is_inherited(*key) ? *conf::directive(*key).inherits : *key;
  }

  void add(Key key, const Error& error) {
    std::string message = error.text();
    // The fault names the setting that is written, which a read-only one may inherit.
    const size_t colon = message.find(": ");
    if (colon != std::string::npos && conf::find_key(std::string_view(message).substr(0, colon))) {
      message.erase(0, colon + 2);
    }
    conf::Fault fault = loaded_.fault_at(key, std::move(message));
    // Both links may name the same file.
    if (std::ranges::find(faults_, fault) == faults_.end()) faults_.push_back(std::move(fault));
  }

  void check_link(postgres::LinkRole role) {
    auto link = postgres::link_settings(s_, role);
    if (!link) return add(key_of(link.error(), role), link.error());
    if (!link->ssl) return;
    std::string prefix = role == postgres::LinkRole::main ? "pg_" : "pg_ro_";
    if (link->verify) {
      auto anchors = postgres::TrustAnchors::load(link->trusted);
      if (!anchors) add(Key::lua_ssl_trusted_certificate, anchors.error());
      auto lists = postgres::RevocationLists::load(link->crl, link->crl_directory, prefix);
      if (!lists) add(key_of(lists.error(), role), lists.error());
    }
    auto identity = postgres::ClientIdentity::load(link->certificate, link->key, prefix);
    if (!identity) add(key_of(identity.error(), role), identity.error());
  }

  // A path, or the PEM text itself.
  static Result<std::string> content_of(const std::string& item) {
    if (item.find("-----BEGIN ") != std::string::npos) return item;
    return read_file(item);
  }

  void check_admin_access() {
    if (s_.is_set(Key::admin_ssl_client_ca)) {
      const std::string& item = s_.string(Key::admin_ssl_client_ca);
      auto text = content_of(item);
      if (!text) return add(Key::admin_ssl_client_ca, text.error());
      auto authorities = pki::Certificate::parse(*text, conf::name(Key::admin_ssl_client_ca));
      if (!authorities) add(Key::admin_ssl_client_ca, authorities.error());
    }
    if (s_.is_set(Key::admin_access_token_file)) {
      auto tokens = admin::AccessTokens::load(s_.string(Key::admin_access_token_file));
      if (!tokens) add(Key::admin_access_token_file, tokens.error());
    }
  }

  void add(const std::vector<Error>& errors) {
    for (const Error& error : errors) {
      const std::string_view detail = error.detail;
      if (auto key = conf::find_key(detail.substr(0, detail.find(':')))) add(*key, error);
    }
  }

  void check_tls_policy() {
    add(net::faults_of(s_.string(Key::lua_ssl_protocols), conf::name(Key::lua_ssl_protocols)));
    const auto dh = dh_parameters(s_);
    if (!dh) add(Key::ssl_dhparam, dh.error());
    const bool ssl = std::ranges::any_of(
        std::array{Key::proxy_listen, Key::admin_listen, Key::status_listen, Key::stream_listen},
        [this](Key key) { return std::ranges::any_of(s_.listen(key), &conf::Listen::ssl); });
    if (ssl) add(net::faults_of(tls_policy(s_, dh.value_or(""))));
  }

  void check_listener(Key listen, Key certificate, Key key) {
    bool ssl = std::ranges::any_of(s_.listen(listen), &conf::Listen::ssl);
    if (!ssl) return;
    for (size_t i = 0; i < s_.list(certificate).size() && i < s_.list(key).size(); ++i) {
      check_pair(certificate, s_.list(certificate)[i], key, s_.list(key)[i]);
    }
  }

  void check_pair(Key certificate_key, const std::string& certificate_item, Key key_key,
                  const std::string& key_item) {
    auto certificate_text = content_of(certificate_item);
    auto key_text = content_of(key_item);
    if (!certificate_text) add(certificate_key, certificate_text.error());
    if (!key_text) add(key_key, key_text.error());
    if (!certificate_text || !key_text) return;
    // Names for messages: never the PEM text of a key.
    bool is_path = key_item.find("-----BEGIN ") == std::string::npos;
    auto chain = pki::Certificate::parse(*certificate_text, conf::name(certificate_key));
    auto key = pki::Key::parse(*key_text, Secret(), is_path ? key_item : "the key");
    if (!chain) add(certificate_key, chain.error());
    if (!key) add(key_key, key.error());
    if (chain && key && !chain->empty() && !chain->front().public_key().matches(*key)) {
      add(key_key, Error{"conf.certificate", Side::config, Retry::never,
                         fmt::format("the key does not belong to the certificate of {}",
                                     conf::name(certificate_key)),
                         "Name them in the same order"});
    }
  }

  const conf::Loaded& loaded_;
  const conf::Settings& s_;
  std::vector<conf::Fault> faults_;
};

}  // namespace

std::vector<conf::Fault> file_faults(const conf::Loaded& loaded) {
  return FileChecks(loaded).run();
}

}  // namespace sallyport::app
