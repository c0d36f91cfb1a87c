#include "admin/configuration.h"

#include "base/json.h"
#include "base/text.h"

namespace sallyport::admin {
namespace {

using conf::Directive;
using conf::Settings;
using conf::Type;

Json number_or_text(const std::string& text) {
  if (auto whole = text::to_integer(text)) return *whole;
  if (auto number = text::to_number(text)) return *number;
  return text;
}

Json list_json(std::string_view text) {
  Json list = Json::array();
  for (std::string_view item : text::list(text)) list.push_back(item);
  return list;
}

Json listeners_json(const std::vector<conf::Listen>& listens) {
  Json out = Json::array();
  for (const conf::Listen& listen : listens) {
    out.push_back(Json{{"ip", listen.address},
                       {"port", listen.port},
                       {"ssl", listen.ssl},
                       {"http2", listen.http2},
                       {"proxy_protocol", listen.proxy_protocol},
                       {"reuseport", listen.reuseport},
                       {"deferred", listen.deferred},
                       {"bind", listen.bind},
                       {"backlog", listen.backlog}});
  }
  return out;
}

Json value_json(const Settings& settings, const Directive& directive) {
  std::string text = settings.display(directive.key);
  if (directive.masked() || settings.is_reference(directive.key)) return text;
  switch (directive.type) {
    case Type::flag:
      return settings.flag(directive.key);
    case Type::integer:
    case Type::number:
      return number_or_text(text);
    case Type::list:
    case Type::listen:
      return list_json(text);
    default:
      return text;
  }
}

}  // namespace

Json configuration_json(const Settings& settings) {
  Json out = Json::object();
  for (const Directive& directive : conf::directives()) {
    if (!settings.is_set(directive.key)) continue;
    std::string name(directive.name);
    out[name] = value_json(settings, directive);
    if (directive.type == Type::listen)
      out[name + "ers"] = listeners_json(settings.listen(directive.key));
  }
  for (const auto& [name, value] : settings.injected_nginx()) out[name] = value;
  return out;
}

}  // namespace sallyport::admin
