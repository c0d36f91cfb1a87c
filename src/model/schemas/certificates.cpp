#include <algorithm>

#include "base/json.h"
#include "model/checks.h"
#include "model/pem.h"
#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

const std::string* text_of(const Json& record, const std::string& field) {
  auto found = record.find(field);
  if (found == record.end() || !found->is_string()) return nullptr;
  const std::string& text = found->get_ref<const std::string&>();
  return pem::is_vault_reference(text) ? nullptr : &text;
}

EntityCheck key_fits(std::string certificate, std::string key) {
  return custom_entity_check(
      {certificate, key}, [=](const Json& record, const Shape&, Json&) -> std::string {
        const std::string *cert_text = text_of(record, certificate),
                          *key_text = text_of(record, key);
        if (cert_text == nullptr || key_text == nullptr) return {};
        return pem::key_fits(*cert_text, *key_text) ? "" : "certificate does not match key";
      });
}

std::string alternative_fault(const Json& record, const Shape&, Json&) {
  const std::string *first = text_of(record, "cert"), *second = text_of(record, "cert_alt");
  if (first == nullptr || second == nullptr) return {};
  if (pem::key_type(*first) != pem::key_type(*second)) return {};
  return "certificate and alternative certificate need to have different type "
         "(e.g. RSA and ECDSA), the provided certificates were both of the same type";
}

std::string repeated_name(const Json& names) {
  if (!names.is_array()) return {};
  for (auto name = names.begin(); name != names.end(); ++name) {
    const bool again = name->is_string() && std::find(names.begin(), name, *name) != name;
    if (again) return name->get_ref<const std::string&>() + " is duplicated";
  }
  return {};
}

Field certificate(std::string name, bool required) {
  return string(std::move(name), {.required = required,
                                  .rules = {custom_text(pem::certificate_fault)},
                                  .referenceable = true});
}

Field key(std::string name, bool required) {
  return string(std::move(name), {.required = required,
                                  .rules = {custom_text(pem::private_key_fault)},
                                  .encrypted = true,
                                  .referenceable = true});
}

}  // namespace

const EntitySchema& certificates() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "certificates";
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        typedefs::updated_at(),
        certificate("cert", true),
        key("key", true),
        certificate("cert_alt", false),
        key("key_alt", false),
        typedefs::tags(),
        array("snis", typedefs::sni(""), {.rules = {custom(repeated_name)}, .transient = true}),
    };
    s.checks = {mutually_required({"cert_alt", "key_alt"}), key_fits("cert", "key"),
                key_fits("cert_alt", "key_alt"),
                custom_entity_check({"cert", "cert_alt"}, alternative_fault)};
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
