#include "model/constant.h"

#include <cstdlib>

#include "base/json.h"
#include "base/log.h"

namespace sallyport::model {

Constant::Constant(std::nullptr_t) : Constant(Json(nullptr)) {}
Constant::Constant(bool value) : Constant(Json(value)) {}
Constant::Constant(int value) : Constant(Json(int64_t{value})) {}
Constant::Constant(int64_t value) : Constant(Json(value)) {}
Constant::Constant(double value) : Constant(Json(value)) {}
Constant::Constant(const char* value) : Constant(Json(value)) {}
Constant::Constant(std::string_view value) : Constant(Json(value)) {}
Constant::Constant(Json value) : value_(std::make_shared<const Json>(std::move(value))) {}

Constant::Constant(std::initializer_list<const char*> values) {
  Json list = Json::array();
  for (const char* value : values) list.push_back(value);
  value_ = std::make_shared<const Json>(std::move(list));
}

Constant::Constant(std::initializer_list<int> values) {
  Json list = Json::array();
  for (int value : values) list.push_back(int64_t{value});
  value_ = std::make_shared<const Json>(std::move(list));
}

Constant Constant::parse(std::string_view text) {
  Json value = parse_json(text);
  if (value.is_discarded()) {
    log::error("a declaration holds broken JSON: {}", text);
    std::abort();
  }
  return Constant(std::move(value));
}

}  // namespace sallyport::model
