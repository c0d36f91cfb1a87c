#include "model/paths.h"

#include "base/json.h"
#include "base/text.h"

namespace sallyport::model {

const Json* get_path(const Json& record, std::string_view dotted) {
  const Json* at = &record;
  for (std::string_view part : text::split(dotted, '.')) {
    if (!at->is_object()) return nullptr;
    auto found = at->find(std::string(part));
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

void set_path(Json& record, std::string_view dotted, Json value) {
  Json* at = &record;
  for (std::string_view part : text::split(dotted, '.')) {
    if (!at->is_object()) *at = Json::object();
    at = &(*at)[std::string(part)];
  }
  *at = std::move(value);
}

const Field* find_path(const Shape& shape, std::string_view dotted) {
  const Shape* at = &shape;
  const Field* field = nullptr;
  for (std::string_view part : text::split(dotted, '.')) {
    if (at == nullptr) return nullptr;
    field = at->find(part);
    if (field == nullptr) return nullptr;
    at = field->shape.get();
  }
  return field;
}

}  // namespace sallyport::model
