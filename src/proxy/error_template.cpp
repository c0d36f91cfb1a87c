#include "proxy/error_template.h"

namespace sallyport::proxy {

Result<ErrorTemplate> ErrorTemplate::parse(std::string_view text) {
  ErrorTemplate out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '%' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 's') {
      if (++out.places_ == out.parts_.size()) {
        return fail("gateway.error_template", Side::config, "has more than two %s",
                    "the first stands for the message, the second for the request's id");
      }
      ++i;
      continue;
    }
    if (next == '%') ++i;
    out.parts_[out.places_] += text[i];
  }
  return out;
}

std::string ErrorTemplate::fill(std::string_view message, std::string_view request_id) const {
  std::string out = parts_[0];
  if (places_ > 0) out.append(message).append(parts_[1]);
  if (places_ > 1) out.append(request_id).append(parts_[2]);
  return out;
}

}  // namespace sallyport::proxy
