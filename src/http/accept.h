// Which kind of body an error is told in, from the request's Accept (RFC 9110 section 12.5.1). Any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::http {

enum class BodyFormat : uint8_t { text, json, html, xml };

// "application/json; charset=utf-8"
std::string_view content_type(BodyFormat format);

// The format of a media type such as error_default_type holds ("text/plain"), parameters ignored.
std::optional<BodyFormat> format_of(std::string_view media_type);

// The acceptable format with the highest q; on a tie the one named first. "*/*" stands for
// `any`, "text/*" for plain text, "application/*" for JSON. Nothing when none is acceptable.
std::optional<BodyFormat> choose_format(std::string_view accept, BodyFormat any);

}  // namespace sallyport::http
