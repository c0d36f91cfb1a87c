#include "model/declare.h"
#include "model/schemas.h"

namespace sallyport::model {

using namespace declare;

const EntitySchema& services() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "services";
    s.endpoint_key = "name";
    s.fields = {
        id(),
        created_at(),
        updated_at(),
        string("name", {.unique = true}),
        integer("retries", {.defaults = 5}),
        string("protocol", {.required = true, .defaults = "http"}),
        string("host", {.required = true}),
        integer("port", {.required = true, .defaults = 80}),
        string("path"),
        integer("connect_timeout", {.defaults = 60000}),
        integer("write_timeout", {.defaults = 60000}),
        integer("read_timeout", {.defaults = 60000}),
        tags(),
        foreign("client_certificate", "certificates"),
        boolean("tls_verify"),
        integer("tls_verify_depth", {.defaults = nullptr}),
        array("ca_certificates", string("", {.uuid = true})),
        boolean("enabled", {.required = true, .defaults = true}),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
