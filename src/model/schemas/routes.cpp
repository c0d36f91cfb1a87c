#include <array>

#include <fmt/format.h>

#include "base/json.h"
#include "model/checks.h"
#include "model/formats.h"
#include "model/route_language.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

Field headers(Attributes attributes = {}) {
  Field name = typedefs::header_name("");
  name.rules.push_back(
      match_none({{"^[Hh][Oo][Ss][Tt]$",
                   "cannot contain 'host' header, which must be specified in the 'hosts' "
                   "attribute"}}));
  Field value = string("", {.rules = {custom_text(formats::route_header_value)}});
  return map("headers", with_ordered_rules(std::move(name)), array("", std::move(value)),
             std::move(attributes));
}

// A field that these protocols do not have.
Attributes refused(std::string_view field, std::string_view protocols) {
  return {.rules = {equals(nullptr)},
          .err = fmt::format("cannot set '{}' when 'protocols' is {}", field, protocols)};
}

// The attributes of which a route needs one; an expression stands for all of them.
Names attributes(Names names) {
  if (route_expression_check() != nullptr) names.emplace_back("expression");
  return names;
}

Alternative needs(std::string_view protocol, Names fields) {
  return {.match = {.rules = {contains(Constant(protocol))}},
          .at_least_one_of = attributes(std::move(fields)),
          .err = fmt::format("must set one of %s when 'protocols' is '{}'", protocol)};
}

Shape http_routes() {
  constexpr std::string_view kNames = "'http' or 'https'";
  Shape shape;
  shape.fields = {typedefs::peers("sources", refused("sources", kNames)),
                  typedefs::peers("destinations", refused("destinations", kNames))};
  shape.checks = {conditional_at_least_one_of(
      "protocols", needs("https", {"methods", "hosts", "headers", "paths", "snis"}),
      needs("http", {"methods", "hosts", "headers", "paths"}))};
  return shape;
}

Shape grpc_routes() {
  constexpr std::string_view kNames = "'grpc' or 'grpcs'";
  Shape shape;
  shape.fields = {boolean("strip_path",
                          {.required = true,
                           .defaults = false,
                           .rules = {not_equals(true)},
                           .err = "cannot set 'strip_path' when 'protocols' is 'grpc' or 'grpcs'"}),
                  typedefs::methods(refused("methods", kNames)),
                  typedefs::peers("sources", refused("sources", kNames)),
                  typedefs::peers("destinations", refused("destinations", kNames))};
  shape.checks = {conditional_at_least_one_of("protocols",
                                              needs("grpcs", {"hosts", "headers", "paths", "snis"}),
                                              needs("grpc", {"hosts", "headers", "paths"}))};
  return shape;
}

Shape stream_routes() {
  constexpr std::string_view kNames = "'tcp', 'tls', 'tls_passthrough' or 'udp'";
  Shape shape;
  shape.fields = {
      typedefs::methods(refused("methods", kNames)), typedefs::hosts(refused("hosts", kNames)),
      typedefs::route_paths(refused("paths", kNames)), headers(refused("headers", kNames))};
  Alternative any = {.match = {.elements = {one_of({"tcp", "tls", "udp"})}},
                     .at_least_one_of = attributes({"sources", "destinations", "snis"}),
                     .err = "must set one of %s when 'protocols' is 'tcp', 'tls' or 'udp'"};
  Alternative passthrough = {.match = {.elements = {one_of({"tls_passthrough"})}},
                             .at_least_one_of = attributes({"snis"}),
                             .err = "must set snis when 'protocols' is 'tls_passthrough'"};
  shape.checks = {conditional_at_least_one_of("protocols", any),
                  conditional_at_least_one_of("protocols", passthrough)};
  return shape;
}

const Shape* by_protocol(std::string_view protocol) {
  static const Shape http = http_routes(), grpc = grpc_routes(), stream = stream_routes();
  if (protocol == "http" || protocol == "https") return &http;
  if (protocol == "grpc" || protocol == "grpcs") return &grpc;
  for (std::string_view word : {"tcp", "tls", "udp", "tls_passthrough"}) {
    if (protocol == word) return &stream;
  }
  return nullptr;
}

// Kong keeps priorities below those that its traditional routes come to.
constexpr double kMostPriority = (uint64_t{1} << 46) - 1;

std::string check_expression(const Json& route) {
  const auto expression = route.find("expression");
  if (expression == route.end() || !expression->is_string()) return {};
  for (const char* name :
       {"methods", "hosts", "headers", "paths", "snis", "sources", "destinations"}) {
    const auto given = route.find(name);
    if (given == route.end() || given->is_null() || given->empty()) continue;
    return fmt::format("cannot set '{}' when 'expression' is set", name);
  }
  bool stream = false;
  for (const Json& protocol : route.value("protocols", Json::array())) {
    stream |=
        protocol.is_string() && by_protocol(protocol.get<std::string>()) == by_protocol("tcp");
  }
  const std::string fault = route_expression_check()(expression->get<std::string>(), stream);
  return fault.empty() ? fault : "Router Expression failed validation: " + fault;
}

void add_expressions(EntitySchema& schema) {
  schema.fields.push_back(string("expression"));
  schema.fields.push_back(
      integer("priority", {.required = true, .defaults = 0, .rules = {between(0, kMostPriority)}}));
  schema.checks.push_back(custom_entity_check(
      {"protocols", "snis", "sources", "destinations", "methods", "hosts", "paths", "headers",
       "expression", "priority"},
      [](const Json& route, const Shape&, Json&) { return check_expression(route); }));
}

}  // namespace

const EntitySchema& routes() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "routes";
    s.endpoint_key = "name";
    s.subschema_key = "protocols";
    s.subschema = by_protocol;
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        typedefs::updated_at(),
        typedefs::name(),
        typedefs::protocols(
            {.defaults = {"http", "https"},
             .rules = {len_min(1), mutually_exclusive_subsets({{"http", "https"},
                                                               {"tcp", "tls", "udp"},
                                                               {"tls_passthrough"},
                                                               {"grpc", "grpcs"}})}}),
        integer("https_redirect_status_code",
                {.required = true, .defaults = 426, .rules = {one_of({426, 301, 302, 307, 308})}}),
        boolean("strip_path", {.required = true, .defaults = true}),
        boolean("preserve_host", {.required = true, .defaults = false}),
        boolean("request_buffering", {.required = true, .defaults = true}),
        boolean("response_buffering", {.required = true, .defaults = true}),
        typedefs::tags(),
        foreign("service", "services"),
        set("snis", typedefs::sni("")),
        typedefs::peers("sources"),
        typedefs::peers("destinations"),
        typedefs::methods(),
        typedefs::hosts(),
        typedefs::route_paths(),
        headers(),
        integer("regex_priority", {.defaults = 0}),
        string("path_handling", {.defaults = "v0", .rules = {one_of({"v0", "v1"})}}),
    };
    s.checks = {conditional(
        "protocols", {.elements = {not_one_of({"grpcs", "https", "tls", "tls_passthrough"})}},
        "snis", {.rules = {len_eq(0)}},
        "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or "
        "'tls_passthrough'")};
    if (route_expression_check() != nullptr) add_expressions(s);
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
