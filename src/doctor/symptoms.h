// The error catalogue of libpq and PostgreSQL: which check a failure belongs to, by its words or by
// SQLSTATE for servers that speak another language. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "doctor/diagnosis.h"

namespace sallyport::doctor {

std::optional<Diagnosis> by_words(const Evidence& evidence, std::string_view words);

}  // namespace sallyport::doctor
