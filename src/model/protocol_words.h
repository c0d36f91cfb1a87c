// Protocols as entities write them: "https", "tls_passthrough". Any thread.
#pragma once

#include <optional>
#include <string_view>

#include "model/entities.h"

namespace sallyport::model {

std::string_view word_of(Protocol protocol);
// Nothing for a word that is none.
std::optional<Protocol> protocol_of(std::string_view word);

}  // namespace sallyport::model
