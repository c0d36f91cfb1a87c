// The demands on several fields together, named as /schemas shows them. Field names may lead into
// records with dots: "config.redis.host". Stateless, any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "model/rules.h"
#include "model/schema.h"

namespace sallyport::model::declare {

// Demands that a conditional puts on a field, in place of the field's own of the same name.
struct Match {
  std::vector<Rule> rules = {};
  bool required = false;
  std::vector<Rule> elements = {};  // on each element of an array or set
};

using Names = std::vector<std::string>;

EntityCheck at_least_one_of(Names names);
EntityCheck only_one_of(Names names);
EntityCheck mutually_required(Names names);
EntityCheck mutually_exclusive(Names names);
EntityCheck distinct(Names names);

// Where `if_field` fulfils `if_match`, `then_field` must fulfil `then_match`. `then_err` replaces
// the text below "@entity".
EntityCheck conditional(std::string if_field, Match if_match, std::string then_field,
                        Match then_match, std::string then_err = {});

// One of `then` must be set where `if_field` fulfils `if_match`; otherwise, where it fulfils
// `else_match`, one of `otherwise`. %s in the texts stands for the quoted names.
struct Alternative {
  Match match;
  Names at_least_one_of;
  std::string err;
};
EntityCheck conditional_at_least_one_of(std::string if_field, Alternative then,
                                        Alternative otherwise = {});

// Anything else; not shown by /schemas beyond the names of the fields that it reads.
EntityCheck custom_entity_check(
    Names sources,
    std::function<std::string(const Json& record, const Shape& shape, Json& errors)> check);

}  // namespace sallyport::model::declare
