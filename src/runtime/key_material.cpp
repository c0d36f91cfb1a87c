#include "runtime/key_material.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "conf/vault_reference.h"

namespace sallyport::runtime {

Result<std::string> KeyMaterial::clear_text(const std::string& text) const {
  if (!conf::is_vault_reference(text)) return text;
  return conf::read_vault(text, vault_prefix_, [](const char* name) { return std::getenv(name); });
}

Result<KeyMaterial::CertificatePtr> KeyMaterial::load(const model::Certificate& row) const {
  auto pairs = std::make_shared<net::ServerCertificate>();
  for (const auto& [cert, key] : {std::pair{&row.cert, &row.key}, {&row.cert_alt, &row.key_alt}}) {
    if (cert->empty()) continue;
    const auto chain = clear_text(*cert);
    if (!chain) return fail(chain.error());
    auto secret = clear_text(key->reveal());
    if (!secret) return fail(secret.error());
    auto pair = net::KeyPair::load(*chain, Secret(*std::move(secret)));
    if (!pair) return fail(pair.error());
    pairs->push_back(*std::move(pair));
  }
  return CertificatePtr(std::move(pairs));
}

// True when a handshake would see a difference.
bool KeyMaterial::load_certificates(const model::Model& model) {
  bool changed = std::erase_if(certificates_, [&](const auto& known) {
                   return !model.certificates.contains(known.first);
                 }) > 0;
  std::erase_if(faults_,
                [&](const auto& fault) { return !model.certificates.contains(fault.first); });
  for (const auto& [id, row] : model.certificates) {
    Loaded& slot = certificates_[id];
    if (slot.row == row) continue;
    slot.row = row;
    auto pairs = load(*row);
    if (pairs) {
      slot.pairs = *std::move(pairs);
      faults_.erase(id);
      changed = true;
      continue;
    }
    Error error = pairs.error();
    error.detail =
        fmt::format("certificate {}: {}; {}", id, error.detail,
                    slot.pairs != nullptr ? "its last good form stays in use" : "it is left out");
    if (error.remedy.empty()) {
      error.remedy = declared_ ? "Load a configuration with a pair that fits"
                               : fmt::format("PATCH /certificates/{} with a pair that fits", id);
    }
    faults_.insert_or_assign(id, std::move(error));
  }
  return changed;
}

void KeyMaterial::name_certificates(const model::Model& model) {
  auto names = std::make_shared<net::SniTable>();
  for (const auto& [id, sni] : model.snis) {
    const auto found = certificates_.find(sni->certificate_id);
    if (found != certificates_.end() && found->second.pairs != nullptr) {
      names->add(sni->name, found->second.pairs);
    }
  }
  names_ = std::move(names);
}

void KeyMaterial::refresh(const model::Model& model) {
  const bool changed = load_certificates(model);
  if (changed || snis_ != model.snis) {
    snis_ = model.snis;
    name_certificates(model);
  }
  if (authority_rows_ == model.ca_certificates) return;
  authority_rows_ = model.ca_certificates;
  std::erase_if(trusted_, [this](const auto& item) {
    return std::ranges::any_of(item.second.rows,
                               [this](const auto& row) {
                                 const auto now = authority_rows_.find(row->id);
                                 return now == authority_rows_.end() || now->second != row;
                               }) ||
           item.second.rows.size() < item.first.size();
  });
}

std::shared_ptr<const net::KeyPair> KeyMaterial::identity(const std::string& certificate_id) const {
  if (certificate_id.empty()) return nullptr;
  const auto found = certificates_.find(certificate_id);
  const bool usable = found != certificates_.end() && found->second.pairs != nullptr;
  return usable ? found->second.pairs->front() : nullptr;
}

std::shared_ptr<const net::TrustStore> KeyMaterial::authorities(
    const std::vector<std::string>& ids) {
  if (ids.empty()) return nullptr;
  Trusted& trusted = trusted_[ids];
  if (trusted.store != nullptr) return trusted.store;
  std::string pem;
  for (const std::string& id : ids) {
    const auto row = authority_rows_.find(id);
    if (row == authority_rows_.end()) continue;
    trusted.rows.push_back(row->second);
    pem += row->second->cert + '\n';
  }
  auto store = net::TrustStore::load(pem, net::TrustStore::Anchors::roots);
  trusted.store = store ? *std::move(store) : net::TrustStore::nobody();
  return trusted.store;
}

}  // namespace sallyport::runtime
