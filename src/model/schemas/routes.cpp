#include "model/declare.h"
#include "model/schemas.h"

namespace sallyport::model {

using namespace declare;

namespace {

Field peers(std::string name) {
  return set(std::move(name), record("", {.fields = {string("ip"), integer("port")}}));
}

}  // namespace

const EntitySchema& routes() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "routes";
    s.endpoint_key = "name";
    s.fields = {
        id(),
        created_at(),
        updated_at(),
        string("name", {.unique = true}),
        set("protocols", string(""), {.required = true, .defaults = {"http", "https"}}),
        integer("https_redirect_status_code", {.required = true, .defaults = 426}),
        boolean("strip_path", {.required = true, .defaults = true}),
        boolean("preserve_host", {.required = true, .defaults = false}),
        boolean("request_buffering", {.required = true, .defaults = true}),
        boolean("response_buffering", {.required = true, .defaults = true}),
        tags(),
        foreign("service", "services"),
        set("snis", string("")),
        peers("sources"),
        peers("destinations"),
        set("methods", string("")),
        array("hosts", string("")),
        array("paths", string("")),
        map("headers", string(""), array("", string(""))),
        integer("regex_priority", {.defaults = 0}),
        string("path_handling", {.defaults = "v0"}),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
