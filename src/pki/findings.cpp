#include "pki/findings.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "pki/calendar.h"

namespace sallyport::pki {
namespace {

using Weight = Finding::Weight;

constexpr const char* kRenew = "sallyport pki renew";
constexpr const char* kRenewWithNewKey = "sallyport pki renew --new-key";

class Findings {
 public:
  Findings(const CertificateInfo& info, Purpose purpose, int64_t now)
      : info_(info),
        now_(now),
        server_(purpose == Purpose::server),
        client_(purpose == Purpose::client) {
    if (purpose == Purpose::any && !info.ca) {
      server_ = info.server_auth && (info.has_extended_key_usage || !info.dns_names.empty() ||
                                     !info.ip_addresses.empty());
      client_ = info.client_auth && info.has_extended_key_usage;
    }
    leaf_ = !info.ca || purpose != Purpose::any;
  }

  std::vector<Finding> all() {
    calendar();
    strength();
    if (leaf_) as_leaf();
    if (info_.ca && !leaf_) as_authority();
    key_identifiers();
    return std::move(found_);
  }

 private:
  void add(std::string_view id, Weight weight, std::string text, std::string remedy = {}) {
    found_.push_back({id, weight, std::move(text), std::move(remedy)});
  }

  void calendar() {
    int64_t days = info_.days_left(now_);
    if (info_.not_before > now_) {
      add("not_yet_valid", Weight::fault,
          "is valid only from " + date_and_time(info_.not_before) + " on", "set the clock");
    } else if (days < 0) {
      add("expired", Weight::fault, "expired on " + date(info_.not_after), kRenew);
    } else if (days < kExpiryWarningDays) {
      add("expires_soon", Weight::warning,
          fmt::format("expires on {}, in {} day{}", date(info_.not_after), days,
                      days == 1 ? "" : "s"),
          kRenew);
    }
  }

  void strength() {
    if (!info_.key_weakness.empty()) {
      add("weak_key", Weight::fault, info_.key_weakness, kRenewWithNewKey);
    }
    if (info_.weak_signature && !info_.self_signed) {
      add("weak_signature", Weight::fault,
          fmt::format("is signed with {}, which OpenSSL refuses", info_.signature_algorithm),
          kRenew);
    }
  }

  void as_leaf() {
    if (info_.version < 3) {
      add("version_1", Weight::warning,
          "is of X.509 version 1: OpenSSL takes it, rustls and other libraries do not", kRenew);
    }
    if (info_.ca) {
      add("leaf_is_ca", Weight::warning,
          "is an authority (CA:TRUE): whoever holds its key can make further certificates that "
          "the other side accepts",
          kRenew);
    }
    if (server_) as_server();
    if (client_) as_client();
    if (info_.version == 3 && !info_.has_extended_key_usage) {
      add("no_purpose", Weight::note,
          "names no purpose (no extendedKeyUsage): it serves as server and as client", kRenew);
    }
  }

  void as_server() {
    if (!info_.server_auth) {
      add("wrong_purpose", Weight::fault, "is not for a server (extendedKeyUsage lacks serverAuth)",
          "sallyport pki issue server");
    }
    if (!info_.dns_names.empty() || !info_.ip_addresses.empty()) return;
    if (info_.common_name.empty()) {
      add("no_names", Weight::fault, "has no name that a client could compare",
          "sallyport pki renew server --server-name NAME");
    } else {
      add("cn_only", Weight::warning,
          fmt::format("has its name {} only in the CN: libpq takes it, most other clients look at "
                      "subjectAltName alone",
                      info_.common_name),
          kRenew);
    }
  }

  void as_client() {
    if (!info_.client_auth) {
      add("wrong_purpose", Weight::fault, "is not for a client (extendedKeyUsage lacks clientAuth)",
          "sallyport pki issue client");
    }
    if (info_.common_name.empty()) {
      add("no_common_name", Weight::warning,
          "has no CN: PostgreSQL finds no user name in it unless pg_hba.conf says clientname=DN",
          "sallyport pki issue client --user ROLE");
    }
  }

  void as_authority() {
    if (info_.version < 3) {
      add("version_1", Weight::warning,
          "is an authority of X.509 version 1: strict verifiers refuse it", kRenew);
      return;
    }
    if (!info_.has_key_usage) {
      add("ca_without_key_usage", Weight::warning,
          "is an authority without keyUsage: `openssl verify -x509_strict` and Python 3.13 refuse "
          "it",
          kRenew);
    }
    if (!info_.basic_constraints_critical) {
      add("ca_not_critical", Weight::warning,
          "has basicConstraints that are not critical: strict verifiers refuse it", kRenew);
    }
    if (info_.path_length < 0) {
      add("ca_without_path_length", Weight::note,
          "allows any number of authorities below it (no path length)", kRenew);
    }
  }

  void key_identifiers() {
    if (info_.version < 3) return;
    bool needs_issuer = !info_.self_signed && info_.authority_key_id.empty();
    bool needs_own = info_.ca && info_.subject_key_id.empty();
    if (needs_issuer || needs_own) {
      add("no_key_identifiers", Weight::warning,
          "lacks key identifiers: strict verifiers refuse it", kRenew);
    }
  }

  const CertificateInfo& info_;
  int64_t now_;
  bool server_;
  bool client_;
  bool leaf_ = true;
  std::vector<Finding> found_;
};

}  // namespace

std::vector<Finding> findings(const CertificateInfo& info, Purpose purpose, int64_t now) {
  return Findings(info, purpose, now).all();
}

}  // namespace sallyport::pki
