#include <utility>
#include <vector>

#include "base/json.h"
#include "model/checks.h"
#include "model/formats.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

Rule check_type() {
  return one_of({"tcp", "http", "https", "grpc", "grpcs"});
}

Field count(std::string name) {
  return integer(std::move(name), {.defaults = 0, .rules = {between(0, 255)}});
}

Field seconds(std::string name, int initial) {
  return number(std::move(name), {.defaults = initial, .rules = {between(0, 65535)}});
}

Field statuses(std::initializer_list<int> initial) {
  return array("http_statuses", integer("", {.rules = {between(100, 999)}}),
               {.defaults = Constant(initial)});
}

// Shown in /schemas/upstreams; absent, such a record is made of its fields' defaults all the same.
Field showing_defaults(Field field) {
  Json defaults = Json::object();
  for (const Field& part : field.shape->fields) {
    if (part.defaults.has_value()) defaults[part.name] = part.defaults.value();
  }
  field.defaults = Constant(std::move(defaults));
  return field;
}

Field active_checks() {
  Shape unhealthy{.fields = {seconds("interval", 0),
                             statuses({429, 404, 500, 501, 502, 503, 504, 505}),
                             count("tcp_failures"), count("timeouts"), count("http_failures")}};
  Shape healthy{.fields = {seconds("interval", 0), statuses({200, 302}), count("successes")}};
  return record("active",
                {.fields = {
                     boolean("https_verify_certificate", {.required = true, .defaults = true}),
                     seconds("timeout", 1),
                     typedefs::headers("headers"),
                     showing_defaults(record("unhealthy", std::move(unhealthy))),
                     string("type", {.defaults = "http", .rules = {check_type()}}),
                     showing_defaults(record("healthy", std::move(healthy))),
                     integer("concurrency", {.defaults = 10, .rules = {between(1, 2147483648.0)}}),
                     typedefs::path("http_path", {.defaults = "/"}),
                     typedefs::sni("https_sni"),
                 }});
}

Field passive_checks() {
  Shape healthy{.fields = {statuses({200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301,
                                     302, 303, 304, 305, 306, 307, 308}),
                           count("successes")}};
  Shape unhealthy{.fields = {count("tcp_failures"), count("timeouts"), statuses({429, 500, 503}),
                             count("http_failures")}};
  return record("passive", {.fields = {
                                showing_defaults(record("healthy", std::move(healthy))),
                                showing_defaults(record("unhealthy", std::move(unhealthy))),
                                string("type", {.defaults = "http", .rules = {check_type()}}),
                            }});
}

Field hash_input(std::string name) {
  return string(std::move(name), {.defaults = "none",
                                  .rules = {one_of({"none", "consumer", "ip", "header", "cookie",
                                                    "path", "query_arg", "uri_capture"})}});
}

Field hash_name(std::string name) {
  return string(std::move(name), {.rules = {len_min(1)}});
}

// Where `field` is `word`, `needed` must be set.
EntityCheck needs(std::string field, const std::string& word, std::string needed) {
  return conditional(std::move(field), {.rules = {match("^" + word + "$")}}, std::move(needed),
                     {.required = true});
}

// What hash_fallback may be when hash_on is `word`.
EntityCheck fallbacks(const std::string& word, std::initializer_list<const char*> allowed) {
  return conditional("hash_on", {.rules = {match("^" + word + "$")}}, "hash_fallback",
                     {.rules = {one_of(Constant(allowed))}});
}

std::vector<EntityCheck> hash_checks() {
  return {
      needs("hash_on", "header", "hash_on_header"),
      needs("hash_fallback", "header", "hash_fallback_header"),
      needs("hash_on", "cookie", "hash_on_cookie"),
      needs("hash_fallback", "cookie", "hash_on_cookie"),
      fallbacks("none", {"none"}),
      fallbacks("cookie", {"none"}),
      fallbacks("consumer", {"none", "ip", "header", "cookie", "path", "query_arg", "uri_capture"}),
      fallbacks("ip", {"none", "consumer", "header", "cookie", "path", "query_arg", "uri_capture"}),
      fallbacks("path", {"none", "consumer", "header", "cookie", "query_arg", "ip", "uri_capture"}),
      distinct({"hash_on_header", "hash_fallback_header"}),
      needs("hash_on", "query_arg", "hash_on_query_arg"),
      needs("hash_fallback", "query_arg", "hash_fallback_query_arg"),
      distinct({"hash_on_query_arg", "hash_fallback_query_arg"}),
      needs("hash_on", "uri_capture", "hash_on_uri_capture"),
      needs("hash_fallback", "uri_capture", "hash_fallback_uri_capture"),
      distinct({"hash_on_uri_capture", "hash_fallback_uri_capture"}),
  };
}

// What goes without saying: where a request is hashed on something, the algorithm is the one that
// hashes; the one of the fewest connections hashes nothing.
std::vector<Shorthand> implied_fields() {
  auto imply = [](Json& fields, const char* name, const char* value) {
    if (!fields.contains(name)) fields[name] = value;
  };
  return {{string("algorithm"),
           [imply](const Json& algorithm, Json& fields) {
             if (algorithm == "least-connections") imply(fields, "hash_on", "none");
           }},
          {string("hash_on"), [imply](const Json& input, Json& fields) {
             imply(fields, "algorithm", input == "none" ? "round-robin" : "consistent-hashing");
           }}};
}

}  // namespace

const EntitySchema& upstreams() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "upstreams";
    s.endpoint_key = "name";
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        string("name",
               {.required = true, .unique = true, .rules = {custom_text(formats::upstream_name)}}),
        typedefs::updated_at(),
        string("algorithm", {.defaults = "round-robin",
                             .rules = {one_of({"consistent-hashing", "least-connections",
                                               "round-robin", "latency"})}}),
        hash_input("hash_on"),
        hash_input("hash_fallback"),
        typedefs::header_name("hash_on_header"),
        typedefs::header_name("hash_fallback_header"),
        string("hash_on_cookie", {.rules = {custom_text(formats::cookie_name)}}),
        typedefs::path("hash_on_cookie_path", {.defaults = "/"}),
        hash_name("hash_on_query_arg"),
        hash_name("hash_fallback_query_arg"),
        hash_name("hash_on_uri_capture"),
        hash_name("hash_fallback_uri_capture"),
        integer("slots",
                {.defaults = 10000, .null_is_default = true, .rules = {between(10, 65536)}}),
        showing_defaults(record(
            "healthchecks",
            {.fields = {showing_defaults(active_checks()), showing_defaults(passive_checks()),
                        number("threshold", {.defaults = 0, .rules = {between(0, 100)}})}})),
        typedefs::tags(),
        string("host_header", {.rules = {custom_text(formats::host_with_optional_port)}}),
        foreign("client_certificate", "certificates"),
        boolean("use_srv_name", {.defaults = false}),
    };
    s.checks = hash_checks();
    s.shorthands = implied_fields();
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
