#include "model/typedefs.h"

#include "model/checks.h"
#include "model/formats.h"
#include "model/rules.h"

namespace sallyport::model::typedefs {

using namespace declare;

namespace {

Attributes with(Attributes attributes, std::vector<Rule> rules) {
  for (Rule& rule : rules) attributes.rules.push_back(std::move(rule));
  return attributes;
}

Rule known_protocol() {
  return one_of({"grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp"});
}

}  // namespace

Field name(Attributes attributes) {
  attributes.unique = true;
  return string("name", with(std::move(attributes), {custom_text(formats::utf8_name)}));
}

Field ascii_name(Attributes attributes) {
  attributes.unique = true;
  return string("name", with(std::move(attributes), {custom_text(formats::ascii_name)}));
}

Field host(std::string name, Attributes attributes) {
  return string(std::move(name), with(std::move(attributes), {custom_text(formats::host)}));
}

Field port(std::string name, Attributes attributes) {
  return integer(std::move(name), with(std::move(attributes), {between(0, 65535)}));
}

Field path(std::string name, Attributes attributes) {
  return string(std::move(name),
                with(std::move(attributes),
                     {starts_with("/"), match_none({{"//", "must not have empty segments"}}),
                      custom_text(formats::path)}));
}

Field timeout(std::string name, Attributes attributes) {
  return integer(std::move(name), with(std::move(attributes), {between(0, 2147483646)}));
}

Field header_name(std::string name, Attributes attributes) {
  return string(std::move(name), with(std::move(attributes), {custom_text(formats::header_name)}));
}

Field headers(std::string name, Attributes attributes) {
  return map(std::move(name), header_name(""), array("", string("")), std::move(attributes));
}

Field protocol(std::string name, Attributes attributes) {
  return string(std::move(name), with(std::move(attributes), {known_protocol()}));
}

Field protocols(Attributes attributes) {
  attributes.required = true;
  return set("protocols", protocol(""), std::move(attributes));
}

Field sni(std::string name, Attributes attributes) {
  return string(std::move(name), with(std::move(attributes), {custom_text(formats::sni)}));
}

Field ip_or_cidr(std::string name, Attributes attributes) {
  return string(std::move(name), with(std::move(attributes), {custom_text(formats::ip_or_cidr)}));
}

Field peers(std::string name, Attributes attributes) {
  Field peer = record("", {.fields = {ip_or_cidr("ip"), port("port")},
                           .checks = {at_least_one_of({"ip", "port"})}});
  return set(std::move(name), std::move(peer), std::move(attributes));
}

Field methods(Attributes attributes) {
  return set("methods", string("", {.rules = {match("^%u+$")}}), std::move(attributes));
}

Field hosts(Attributes attributes) {
  Field element = string(
      "", {.rules = {
               match_all({{"^[^*]*%*?[^*]*$", "invalid wildcard: must have at most one wildcard"}}),
               match_any({"^%*%.", "%.%*$", "^[^*]*$"},
                         "invalid wildcard: must be placed at leftmost or rightmost label"),
               custom_text(formats::host_with_wildcard)}});
  return array("hosts", std::move(element), std::move(attributes));
}

Field route_paths(Attributes attributes) {
  Field element = string(
      "",
      {.rules = {match_any({"^/", "^~/"}, "should start with: / (fixed path) or ~/ (regex path)"),
                 match_none({{"//", "must not have empty segments"}}),
                 custom_text(formats::route_path)}});
  return array("paths", std::move(element), std::move(attributes));
}

}  // namespace sallyport::model::typedefs
