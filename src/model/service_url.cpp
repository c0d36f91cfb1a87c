#include "model/service_url.h"

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/text.h"
#include "model/pattern.h"

namespace sallyport::model {
namespace {

// What stands before `separator`, which is cut off `rest` with it; "" and `rest` whole otherwise.
std::string_view take_until(std::string_view& rest, char separator) {
  size_t at = rest.find(separator);
  if (at == std::string_view::npos) return {};
  std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return taken;
}

void set_authority(std::string_view authority, std::string_view scheme, Json& fields) {
  if (size_t at = authority.rfind('@'); at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  size_t colon = authority.rfind(':');
  std::string_view port;
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) {
    authority = authority.substr(1, authority.size() - 2);
  }
  if (!authority.empty()) fields["host"] = authority;
  if (auto number = text::to_integer(port)) {
    fields["port"] = *number;
  } else if (!port.empty()) {
    fields["port"] = port;  // validation will say what is wrong
  } else if (scheme == "http") {
    fields["port"] = 80;
  } else if (scheme == "https") {
    fields["port"] = 443;
  }
}

}  // namespace

void expand_service_url(const Json& url, Json& fields) {
  std::string_view rest = url.get_ref<const std::string&>();
  rest = rest.substr(0, rest.find('#'));
  fields["host"] = nullptr;
  fields["path"] = nullptr;
  std::string_view scheme;
  size_t colon = rest.find(':');
  if (colon != std::string_view::npos && matches("^%w[%w+.-]*$", rest.substr(0, colon))) {
    scheme = take_until(rest, ':');
    fields["protocol"] = scheme;
  }
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    size_t end = rest.find_first_of("/?");
    set_authority(rest.substr(0, end), scheme, fields);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  }
  rest = rest.substr(0, rest.find('?'));
  if (!rest.empty()) fields["path"] = rest;
}

}  // namespace sallyport::model
