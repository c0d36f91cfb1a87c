// Which certificate a server shows for the name that a client asks for. Filled once, then
// immutable and read from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/key_pair.h"

namespace sallyport::net {

// Where the handshakes of a listener find their certificates. Outlives the connections that were
// given it.
class CertificateSource {
 public:
  virtual ~CertificateSource() = default;
  // `server_name` in any case of letters, "" for none. Null: the context's own. The answer need
  // live until the caller returns to its loop.
  virtual const ServerCertificate* certificate_for(std::string_view server_name) const = 0;
};

class SniTable {
 public:
  using CertificatePtr = std::shared_ptr<const ServerCertificate>;

  // `name` is a host name, "*.example.com", "example.*" or "*". The first one for a name stays.
  void add(std::string_view name, CertificatePtr certificate);

  // The certificate for the name itself, else for one with its first label open, else for one with
  // its last label open, else for "*"; in any case of letters. Null: there is none. A wildcard
  // stands for one label.
  const ServerCertificate* find(std::string_view server_name) const;

  bool empty() const { return names_.empty(); }
  size_t size() const { return names_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  const ServerCertificate* exactly(std::string_view name) const;

  std::unordered_map<std::string, CertificatePtr, Hash, std::equal_to<>> names_;
};

}  // namespace sallyport::net
