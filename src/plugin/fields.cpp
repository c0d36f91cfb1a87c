#include "plugin/fields.h"

#include "base/text.h"
#include "http/h1_writer.h"

namespace sallyport::plugin {

void Fields::own() {
  if (changed_) return;
  changed_ = true;
  for (const http::Header& field : received_) {
    own_.push_back({std::string(field.name), std::string(field.value)});
  }
}

std::optional<std::string_view> Fields::get(std::string_view name) const {
  if (changed_) {
    for (const Field& field : own_) {
      if (text::equals_ignore_case(field.name, name)) return field.value;
    }
    return std::nullopt;
  }
  for (const http::Header& field : received_) {
    if (text::equals_ignore_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Fields::all(std::string_view name) const {
  std::vector<std::string_view> out;
  if (changed_) {
    for (const Field& field : own_) {
      if (text::equals_ignore_case(field.name, name)) out.push_back(field.value);
    }
    return out;
  }
  for (const http::Header& field : received_) {
    if (text::equals_ignore_case(field.name, name)) out.push_back(field.value);
  }
  return out;
}

bool Fields::set(std::string_view name, std::string_view value) {
  if (!http::valid_field_name(name) || !http::valid_field_value(value)) return false;
  const std::string kept_name(name);  // may be a view into what is removed
  const std::string kept_value(value);
  remove(kept_name);
  own_.push_back({kept_name, kept_value});
  return true;
}

bool Fields::add(std::string_view name, std::string_view value) {
  if (!http::valid_field_name(name) || !http::valid_field_value(value)) return false;
  own();
  own_.push_back({std::string(name), std::string(value)});
  return true;
}

void Fields::remove(std::string_view name) {
  own();
  std::erase_if(own_,
                [name](const Field& field) { return text::equals_ignore_case(field.name, name); });
}

void Fields::rename(std::string_view from, std::string_view to) {
  if (!http::valid_field_name(to) || !get(from)) return;
  own();
  for (Field& field : own_) {
    if (text::equals_ignore_case(field.name, from)) field.name = to;
  }
}

}  // namespace sallyport::plugin
