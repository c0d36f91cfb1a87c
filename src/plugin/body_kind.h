// What a body is by its Content-Type, for plugins that change bodies of some kinds only: all others
// pass unread, at any size. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::plugin {

enum class BodyKind : uint8_t { other, json, form, multipart };

// `content_type` with its parameters; any case. Kinds of JSON are application/json, text/json and
// what ends in "+json"; a stream of JSON texts (NDJSON, JSON sequences) is `other`.
BodyKind body_kind(std::string_view content_type);

}  // namespace sallyport::plugin
