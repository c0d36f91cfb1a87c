#include "plugin/body_kind.h"

#include <string>

#include "base/text.h"

namespace sallyport::plugin {

BodyKind body_kind(std::string_view content_type) {
  const std::string type =
      text::lower(text::trim(content_type.substr(0, content_type.find_first_of(";,"))));
  if (type == "application/x-www-form-urlencoded") return BodyKind::form;
  if (type == "multipart/form-data") return BodyKind::multipart;
  const std::string_view subtype = std::string_view(type).substr(type.find('/') + 1);
  if (subtype.starts_with("grpc")) return BodyKind::other;  // frames, whatever is in them
  const bool json = subtype == "json" || subtype == "x-json" || subtype.ends_with("+json");
  return json ? BodyKind::json : BodyKind::other;
}

}  // namespace sallyport::plugin
