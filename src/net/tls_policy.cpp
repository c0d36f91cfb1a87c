#include "net/tls_policy.h"

#include <algorithm>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "base/text.h"
#include "net/openssl_handles.h"

namespace sallyport::net {
namespace {

// What a session in OpenSSL's cache is counted as: an estimate.
constexpr int64_t kBytesPerSession = 1024;

// Mozilla's recommendations, which Kong's names stand for.
constexpr const char* kIntermediate =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384";
// SECLEVEL: OpenSSL 3 signs no handshake of TLS 1.0 and 1.1 otherwise.
constexpr const char* kOld =
    ":DHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:"
    "ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA256:"
    "DHE-RSA-AES256-SHA256:AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:"
    "AES128-SHA:AES256-SHA:DES-CBC3-SHA:@SECLEVEL=0";

struct Version {
  std::string_view name;
  int number;
  uint64_t option;  // that forbids it
};
constexpr Version kVersions[] = {{"TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1},
                                 {"TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
                                 {"TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
                                 {"TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3}};

bool is_tls13_suite(std::string_view cipher) {
  return cipher.starts_with("TLS_");
}

// OpenSSL keeps the suites of TLS 1.3 apart.
Result<void> set_ciphers(SSL_CTX* context, std::string_view ciphers) {
  std::string suites, others;
  for (std::string_view part : text::split(ciphers, ':')) {
    part = text::trim(part);
    if (part.empty()) continue;
    std::string& list = is_tls13_suite(part) ? suites : others;
    if (!list.empty()) list += ':';
    list += part;
  }
  if (!suites.empty() && SSL_CTX_set_ciphersuites(context, suites.c_str()) != 1) {
    return tls_error("ssl_ciphers: TLS 1.3 has no suite of one of these names");
  }
  if (!others.empty() && SSL_CTX_set_cipher_list(context, others.c_str()) != 1) {
    return tls_error("ssl_ciphers: OpenSSL knows no cipher of this list");
  }
  return {};
}

EvpKeyPtr named_group(const std::string& name) {
  EVP_PKEY* key = nullptr;
  EVP_PKEY_CTX* maker = EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr);
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                              const_cast<char*>(name.c_str()), 0),
                             OSSL_PARAM_construct_end()};
  if (maker != nullptr && EVP_PKEY_fromdata_init(maker) == 1) {
    EVP_PKEY_fromdata(maker, &key, EVP_PKEY_KEY_PARAMETERS, parameters);
  }
  EVP_PKEY_CTX_free(maker);
  return EvpKeyPtr(key);
}

Result<void> set_dh(SSL_CTX* context, const std::string& given) {
  if (given.empty()) return {};
  const bool pem = given.find("-----BEGIN ") != std::string::npos;
  const BioPtr bio = memory_bio(given);
  EvpKeyPtr key = pem ? EvpKeyPtr(PEM_read_bio_Parameters(bio.get(), nullptr)) : named_group(given);
  if (key == nullptr || SSL_CTX_set0_tmp_dh_pkey(context, key.get()) != 1) {
    return tls_error("ssl_dhparam: neither parameters in PEM nor the name of a group");
  }
  static_cast<void>(key.release());  // the context has it now
  return {};
}

}  // namespace

TlsPolicy named_policy(std::string_view suite, TlsPolicy custom) {
  TlsPolicy policy = std::move(custom);
  if (suite == "modern") {
    policy.protocols = "TLSv1.3";
    policy.ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
    policy.prefer_server_ciphers = false;
    policy.dh_parameters.clear();
  } else if (suite == "intermediate") {
    policy.protocols = "TLSv1.2 TLSv1.3";
    policy.ciphers = kIntermediate;
    policy.prefer_server_ciphers = false;
    policy.dh_parameters = "ffdhe2048";
  } else if (suite == "old") {
    policy.protocols = "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3";
    policy.ciphers = std::string(kIntermediate) + kOld;
    policy.prefer_server_ciphers = true;
  } else if (suite == "fips") {
    policy.protocols = "TLSv1.2";
    policy.ciphers = "TLSv1.2+FIPS:kRSA+FIPS:!eNULL:!aNULL";
    policy.prefer_server_ciphers = true;
  }
  return policy;
}

Result<void> set_protocols(SSL_CTX* context, std::string_view protocols, std::string_view setting) {
  uint64_t forbidden = 0;
  int lowest = 0, highest = 0;
  const auto words = text::split(protocols, ' ');
  for (const Version& version : kVersions) {
    if (std::ranges::find(words, version.name) == words.end()) {
      forbidden |= version.option;
      continue;
    }
    if (lowest == 0) lowest = version.number;
    highest = version.number;
  }
  for (std::string_view word : words) {
    const bool ignored = word.empty() || word == "SSLv2" || word == "SSLv3";  // long gone
    if (!ignored && std::ranges::find(kVersions, word, &Version::name) == std::end(kVersions)) {
      return fail("net.tls", Side::config,
                  std::string(setting) + ": there is no TLS version '" + std::string(word) + "'",
                  "use TLSv1.2 TLSv1.3");
    }
  }
  if (lowest == 0) {
    return fail("net.tls", Side::config, std::string(setting) + ": no version of TLS is allowed",
                "use TLSv1.2 TLSv1.3");
  }
  SSL_CTX_set_min_proto_version(context, lowest);
  SSL_CTX_set_max_proto_version(context, highest);
  SSL_CTX_set_options(context, forbidden);
  return {};
}

Result<void> apply_policy(SSL_CTX* context, const TlsPolicy& policy) {
  ERR_clear_error();
  if (auto set = set_protocols(context, policy.protocols, "ssl_protocols"); !set) return set;
  if (auto set = set_ciphers(context, policy.ciphers); !set) return set;
  if (auto set = set_dh(context, policy.dh_parameters); !set) return set;
  if (policy.prefer_server_ciphers) SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (!policy.tickets) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_timeout(context, static_cast<long>(std::max<int64_t>(policy.session_timeout_s, 1)));
  // The cache takes a lock, in handshakes of clients without tickets only.
  const auto sessions = static_cast<long>(policy.session_cache_bytes / kBytesPerSession);
  SSL_CTX_set_session_cache_mode(context,
                                 sessions > 0 ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
  SSL_CTX_sess_set_cache_size(context, std::max(sessions, 1L));
  return {};
}

std::vector<Error> faults_of(const TlsPolicy& policy) {
  ERR_clear_error();
  const ContextPtr context(SSL_CTX_new(TLS_server_method()));
  std::vector<Error> faults;
  // What is set later may be judged by what is set before: @SECLEVEL is one of the ciphers.
  for (const auto& set :
       {set_protocols(context.get(), policy.protocols, "ssl_protocols"),
        set_ciphers(context.get(), policy.ciphers), set_dh(context.get(), policy.dh_parameters)}) {
    if (!set) faults.push_back(set.error());
  }
  return faults;
}

std::vector<Error> faults_of(std::string_view protocols, std::string_view setting) {
  const ContextPtr context(SSL_CTX_new(TLS_method()));
  const auto set = set_protocols(context.get(), protocols, setting);
  return set ? std::vector<Error>() : std::vector<Error>{set.error()};
}

}  // namespace sallyport::net
