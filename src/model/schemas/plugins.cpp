#include "model/formats.h"
#include "model/plugin_declarations.h"
#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

const Shape* by_name(std::string_view name) {
  const PluginDeclaration* plugin = plugin_enabled(name) ? find_plugin(name) : nullptr;
  return plugin == nullptr ? nullptr : &plugin->shape;
}

}  // namespace

const EntitySchema& plugins() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "plugins";
    s.endpoint_key = "instance_name";
    s.cache_key = {"name", "route", "service", "consumer"};
    s.subschema_key = "name";
    s.subschema_error = "plugin '%s' not enabled; add it to the 'plugins' configuration property";
    s.subschema = by_name;
    const Attributes scope = {.defaults = nullptr, .on_delete = OnDelete::cascade};
    s.fields = {
        typedefs::id(),
        string("name", {.required = true}),
        string("instance_name", {.unique = true, .rules = {custom_text(formats::utf8_name)}}),
        typedefs::created_at(),
        typedefs::updated_at(),
        foreign("route", "routes", scope),
        foreign("service", "services", scope),
        foreign("consumer", "consumers", scope),
        record("config", {}, {.required = true, .abstract = true}),
        typedefs::protocols({.defaults = {"grpc", "grpcs", "http", "https"}}),
        boolean("enabled", {.required = true, .defaults = true}),
        typedefs::tags(),
    };
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
