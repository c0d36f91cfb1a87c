// The certificates that a chain may end in: lua_ssl_trusted_certificate, parsed. Parsing is done
// once for each content — the system store costs 24 ms, reading and hashing it 0.1 ms — and shared
// by all links of the process. Values, copied freely; any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "postgres/link_state.h"

struct x509_store_st;

namespace sallyport::postgres {

class TrustAnchors {
 public:
  TrustAnchors() = default;  // trusts nobody

  // `items` as lua_ssl_trusted_certificate lists them: `system`, the path of a PEM file, PEM text,
  // or base64 of PEM text. Reads the files each time, parses what has changed.
  // Errors: "conf.lua_ssl_trusted_certificate", naming the file or the item.
  static Result<TrustAnchors> load(const std::vector<std::string>& items);

  size_t size() const;
  std::vector<CertificateFacts> facts() const;

  // Null for none. Borrowed: lives as long as any copy of this object. Nobody may add to it.
  x509_store_st* store() const;

  // True when both were parsed from the same content.
  bool same(const TrustAnchors& other) const { return parsed_ == other.parsed_; }

 private:
  struct Parsed;
  explicit TrustAnchors(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

// The first certificate bundle of the operating system that exists; "" when there is none.
std::string system_trust_file();

}  // namespace sallyport::postgres
