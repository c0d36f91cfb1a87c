#include "model/row_reader.h"

#include <algorithm>

#include <fmt/format.h>

namespace sallyport::model {

const Json* RowReader::get(const char* field) const {
  auto found = row_.find(field);
  return found == row_.end() || found->is_null() ? nullptr : &*found;
}

void RowReader::text(const char* field, std::string& out) {
  const Json* value = get(field);
  if (value == nullptr) return;
  if (!value->is_string()) return blame(field);
  out = value->get<std::string>();
}

void RowReader::flag(const char* field, bool& out) {
  const Json* value = get(field);
  if (value == nullptr) return;
  if (!value->is_boolean()) return blame(field);
  out = value->get<bool>();
}

void RowReader::texts(const char* field, std::vector<std::string>& out) {
  const Json* value = get(field);
  if (value == nullptr) return;
  if (!is_texts(*value)) return blame(field);
  out = value->get<std::vector<std::string>>();
}

void RowReader::reference(const char* field, std::string& id) {
  const Json* value = get(field);
  if (value == nullptr) return;
  if (!value->is_object() || !value->contains("id") || !(*value)["id"].is_string()) {
    return blame(field);
  }
  id = (*value)["id"].get<std::string>();
}

void RowReader::number(const char* field, double& out) {
  const Json* value = get(field);
  if (value == nullptr) return;
  if (!value->is_number()) return blame(field);
  out = value->get<double>();
}

void RowReader::seconds(const char* field, uint32_t& out_ms) {
  double seconds = out_ms / 1000.0;
  number(field, seconds);
  if (!(seconds >= 0 && seconds <= 65535)) return blame(field);
  out_ms = static_cast<uint32_t>(seconds * 1000 + 0.5);
}

bool RowReader::is_texts(const Json& list) {
  return list.is_array() && std::ranges::all_of(list, [](const Json& v) { return v.is_string(); });
}

Result<void> RowReader::verdict(const char* entity, const std::string& id) const {
  if (blamed_ == nullptr && !id.empty()) return {};
  const char* field = blamed_ == nullptr ? "id" : blamed_;
  return fail("model.row", Side::database,
              fmt::format("the row of {} '{}' cannot be used: its field {} has the wrong form",
                          entity, id.empty() ? "?" : id, field),
              fmt::format("Correct it with PATCH /{}/{}", entity, id.empty() ? "{id}" : id));
}

}  // namespace sallyport::model
