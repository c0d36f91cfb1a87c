// Certificates, keys and authorities in the form that handshakes use, parsed once per change: what
// did not change stays the same object from snapshot to snapshot. Owned and used by the Builder. A
// certificate that cannot be loaded keeps its last good form, or is left out when it never had one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/model.h"
#include "net/sni_table.h"
#include "net/trust_store.h"

namespace sallyport::runtime {

class KeyMaterial {
 public:
  // What {vault://env/...} in certificates is looked up with (vault_env_prefix).
  void set_vault_prefix(std::string prefix) { vault_prefix_ = std::move(prefix); }

  // The configuration comes as a whole, as remedies are to say.
  void set_declared() { declared_ = true; }

  // Loads what is new or has changed in the model, forgets what is gone.
  void refresh(const model::Model& model);

  // The first pair of a certificate; null for "" and where there is none that can be used.
  std::shared_ptr<const net::KeyPair> identity(const std::string& certificate_id) const;
  // Null for no ids; trusts nobody where none of them is there.
  std::shared_ptr<const net::TrustStore> authorities(const std::vector<std::string>& ids);
  std::shared_ptr<const net::SniTable> names() const { return names_; }

  // By certificate: "certificate <id>", why it cannot be used, and what holds in its place.
  const std::map<std::string, Error>& faults() const { return faults_; }

 private:
  using CertificatePtr = std::shared_ptr<const net::ServerCertificate>;
  struct Loaded {
    std::shared_ptr<const model::Certificate> row;
    CertificatePtr pairs;  // null: it cannot be used
  };
  struct Trusted {
    std::vector<std::shared_ptr<const model::CaCertificate>> rows;
    std::shared_ptr<const net::TrustStore> store;
  };

  Result<CertificatePtr> load(const model::Certificate& row) const;
  Result<std::string> clear_text(const std::string& text) const;
  bool load_certificates(const model::Model& model);
  void name_certificates(const model::Model& model);

  std::string vault_prefix_;
  bool declared_ = false;
  std::unordered_map<std::string, Loaded> certificates_;  // by id
  std::unordered_map<std::string, std::shared_ptr<const model::Sni>> snis_;
  std::unordered_map<std::string, std::shared_ptr<const model::CaCertificate>> authority_rows_;
  std::map<std::vector<std::string>, Trusted> trusted_;  // by the ids
  std::shared_ptr<const net::SniTable> names_ = std::make_shared<const net::SniTable>();
  std::map<std::string, Error> faults_;
};

}  // namespace sallyport::runtime
