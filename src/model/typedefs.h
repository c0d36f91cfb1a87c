// Fields with the rules that many entities and plugins share, by Kong's names for them.
#pragma once

#include <string>

#include "model/declare.h"

namespace sallyport::model::typedefs {

using declare::created_at;
using declare::id;
using declare::tags;
using declare::timestamp_ms;
using declare::updated_at;

// `attributes` may add to each of these; rules are appended to those of the type.
Field name(Attributes attributes = {});        // "name": UTF-8, unique
Field ascii_name(Attributes attributes = {});  // "name": ASCII, unique
Field host(std::string name, Attributes attributes = {});
Field port(std::string name, Attributes attributes = {});
Field path(std::string name, Attributes attributes = {});
Field timeout(std::string name, Attributes attributes = {});  // milliseconds from 0 on
Field header_name(std::string name, Attributes attributes = {});
Field headers(std::string name, Attributes attributes = {});  // map of name to list
Field protocol(std::string name, Attributes attributes = {});
Field protocols(Attributes attributes);
Field sni(std::string name, Attributes attributes = {});
Field ip_or_cidr(std::string name, Attributes attributes = {});
Field peers(std::string name, Attributes attributes = {});  // sources, destinations
Field methods(Attributes attributes = {});
Field hosts(Attributes attributes = {});
Field route_paths(Attributes attributes = {});

}  // namespace sallyport::model::typedefs
