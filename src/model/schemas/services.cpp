#include "model/checks.h"
#include "model/schemas.h"
#include "model/service_url.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

// `field` may be set only where the protocol is one of `protocols`.
EntityCheck only_with(std::initializer_list<const char*> protocols, std::string field) {
  return conditional("protocol", {.rules = {not_one_of(Constant(protocols))}}, std::move(field),
                     {.rules = {equals(nullptr)}});
}

EntityCheck never_with(std::initializer_list<const char*> protocols, std::string field) {
  return conditional("protocol", {.rules = {one_of(Constant(protocols))}}, std::move(field),
                     {.rules = {equals(nullptr)}});
}

Field deadline(std::string name) {
  return integer(std::move(name), {.defaults = 60000, .rules = {between(1, 2147483646)}});
}

}  // namespace

const EntitySchema& services() {
  static const EntitySchema schema = [] {
    EntitySchema s;
    s.name = s.table = s.path = s.nested_path = "services";
    s.endpoint_key = "name";
    s.fields = {
        typedefs::id(),
        typedefs::created_at(),
        typedefs::updated_at(),
        typedefs::name(),
        integer("retries", {.defaults = 5, .rules = {between(0, 32767)}}),
        typedefs::protocol("protocol", {.required = true, .defaults = "http"}),
        typedefs::host("host", {.required = true}),
        typedefs::port("port", {.required = true, .defaults = 80}),
        typedefs::path("path"),
        deadline("connect_timeout"),
        deadline("write_timeout"),
        deadline("read_timeout"),
        typedefs::tags(),
        foreign("client_certificate", "certificates"),
        boolean("tls_verify"),
        integer("tls_verify_depth", {.defaults = nullptr, .rules = {between(0, 64)}}),
        array("ca_certificates", string("", {.uuid = true})),
        boolean("enabled", {.required = true, .defaults = true}),
    };
    s.checks = {
        never_with({"tcp", "tls", "udp", "grpc", "grpcs"}, "path"),
        only_with({"https", "tls"}, "client_certificate"),
        only_with({"https", "tls"}, "tls_verify"),
        only_with({"https", "tls"}, "tls_verify_depth"),
        only_with({"https", "tls"}, "ca_certificates"),
    };
    s.shorthands = {{string("url"), expand_service_url}};
    return s;
  }();
  return schema;
}

}  // namespace sallyport::model
