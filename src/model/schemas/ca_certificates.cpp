#include "base/clock.h"
#include "base/json.h"
#include "model/checks.h"
#include "model/pem.h"
#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

std::string fault(const Json& record, const Shape&, Json&) {
  auto cert = record.find("cert");
  if (cert == record.end() || !cert->is_string()) return {};
  return pem::authority_fault(cert->get_ref<const std::string&>(), unix_seconds());
}

void write_digest(const Json&, Json& row) {
  row["cert_digest"] = pem::digest(row["cert"].get_ref<const std::string&>());
}

}  // namespace

const EntitySchema& ca_certificates() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "ca_certificates";
    s.workspaceable = false;
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        typedefs::updated_at(),
        string("cert", {.required = true, .rules = {custom_text(pem::certificate_fault)}}),
        string("cert_digest", {.unique = true}),
        typedefs::tags(),
    };
    s.checks = {custom_entity_check({"cert"}, fault)};
    s.on_write = write_digest;
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
