// {vault://env/NAME} and {vault://env/NAME/key}: values that stand in environment variables, as
// Kong reads them. NAME is written in any case, with - or _: my-secret means MY_SECRET. `/key`
// takes one field of a JSON object. Pure, apart from reading the environment it is given; any
// thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sallyport::conf {

using Environment = std::function<const char*(const char*)>;

// True when the whole of `text` is meant as a reference, well-formed or not.
bool is_vault_reference(std::string_view text);

// What the reference stands for. `prefix` (vault_env_prefix) goes before every name; a
// `?prefix=...` of the reference replaces it. Errors name the variable, never its content:
// "conf.vault".
Result<std::string> read_vault(std::string_view reference, std::string_view prefix,
                               const Environment& environment);

}  // namespace sallyport::conf
