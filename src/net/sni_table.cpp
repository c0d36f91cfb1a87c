#include "net/sni_table.h"

#include "base/text.h"

namespace sallyport::net {

void SniTable::add(std::string_view name, CertificatePtr certificate) {
  names_.try_emplace(text::lower(name), std::move(certificate));
}

const ServerCertificate* SniTable::exactly(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second.get();
}

const ServerCertificate* SniTable::find(std::string_view server_name) const {
  if (names_.empty()) return nullptr;
  const std::string name = text::lower(server_name);
  // A client must not be able to name a wildcard.
  if (!name.empty() && name.find('*') == std::string::npos) {
    if (const auto* exact = exactly(name)) return exact;
    if (const size_t dot = name.find('.'); dot != std::string::npos) {
      if (const auto* left = exactly("*" + name.substr(dot))) return left;
      if (const auto* right = exactly(name.substr(0, name.rfind('.')) + ".*")) return right;
    }
  }
  return exactly("*");
}

}  // namespace sallyport::net
