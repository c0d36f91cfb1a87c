// Authorities that a peer's certificate must come from, read from PEM once and then shared by
// every handshake that verifies against them, on any thread. Immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/error.h"

struct ssl_st;
struct ssl_ctx_st;
struct x509_store_st;

namespace sallyport::net {

class TrustStore {
 public:
  // Which certificates a chain may end in: self-signed ones, or each.
  enum class Anchors : uint8_t { roots, each };

  // All certificates of `pem`; with Anchors::roots the others only help to find a root. Errors:
  // "net.tls" (Side::config), also when there is none.
  static Result<std::shared_ptr<const TrustStore>> load(std::string_view pem, Anchors anchors);
  // Trusts nobody: for authorities that were named and are not there.
  static std::shared_ptr<const TrustStore> nobody();
  TrustStore(const TrustStore&) = delete;
  TrustStore& operator=(const TrustStore&) = delete;
  ~TrustStore();

  bool judge_on(ssl_st* ssl) const;
  void judge_on(ssl_ctx_st* context) const;

 private:
  explicit TrustStore(x509_store_st* store) : store_(store) {}

  x509_store_st* store_;
};

}  // namespace sallyport::net
