// The CRLs of pg_ssl_crl and pg_ssl_crl_dir, parsed once for each content. libpq ignores a CRL that
// it cannot read; here that is an error, for an administrator who names one counts on it. Values,
// copied freely; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"

struct stack_st_X509_CRL;

namespace sallyport::postgres {

class RevocationLists {
 public:
  RevocationLists() = default;  // no revocation checks

  // "" for a source that is not set. In the directory every file that holds PEM CRLs counts, hashed
  // name or not: unlike libpq, for which a forgotten `openssl rehash` hides a CRL.
  // Errors: "conf.pg_ssl_crl" and "conf.pg_ssl_crl_dir"; `prefix` is "pg_" or "pg_ro_".
  static Result<RevocationLists> load(const std::string& file, const std::string& directory,
                                      const std::string& prefix = "pg_");

  bool empty() const { return parsed_ == nullptr; }
  size_t size() const;
  std::optional<int64_t> next_update() const;  // the earliest, Unix seconds

  // Null for none; borrowed, lives as long as any copy of this object.
  stack_st_X509_CRL* stack() const;

 private:
  struct Parsed;
  explicit RevocationLists(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace sallyport::postgres
