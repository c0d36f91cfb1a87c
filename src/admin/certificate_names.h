// The pseudo-field `snis` of certificates: names in an answer, rows of the entity `snis` in the
// store. Control thread; the store outlives it.
#pragma once

#include <expected>
#include <string>

#include "admin/answer.h"
#include "base/json_fwd.h"
#include "model/schema.h"
#include "model/store.h"

namespace sallyport::admin {

class CertificateNames {
 public:
  explicit CertificateNames(model::Store& store) : store_(store) {}

  // Takes the names out of a certificate that is to be written; null when they are to stay as they
  // are, or when `entity` is another one.
  static Json take(const model::EntitySchema& entity, Json& row);

  // Refuses names that belong to another certificate than `id`.
  std::expected<void, Answer> check(const Json& names, const Json& id);
  // Makes these, and no others, the names of the certificate.
  std::expected<void, Answer> replace(const Json& names, const Json& id);
  // Puts the stored names into a row that is to be shown.
  std::expected<void, Answer> add_to(const model::EntitySchema& entity, Json& row);

 private:
  // The rows of one certificate, all of them.
  std::expected<std::vector<Json>, Answer> rows_of(const std::string& id);

  model::Store& store_;
};

}  // namespace sallyport::admin
