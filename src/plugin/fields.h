// Header fields that plugins read and change: the received ones until the first change, then a list
// of their own. Names compare without case. One exchange's, its worker's thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace sallyport::plugin {

class Fields {
 public:
  struct Field {
    std::string name;
    std::string value;
  };

  // Views into the received head, which outlives this.
  explicit Fields(std::span<const http::Header> received = {}) : received_(received) {}

  std::optional<std::string_view> get(std::string_view name) const;  // the first
  std::vector<std::string_view> all(std::string_view name) const;

  // In their order; `visit` takes name and value.
  template <typename Visit>
  void each(Visit visit) const {
    if (changed_) {
      for (const Field& field : own_) visit(field.name, field.value);
    } else {
      for (const http::Header& field : received_) visit(field.name, field.value);
    }
  }

  // One field in place of all of that name. A name or value that could break the head is refused.
  bool set(std::string_view name, std::string_view value);
  bool add(std::string_view name, std::string_view value);  // besides those that are there
  void remove(std::string_view name);
  void rename(std::string_view from, std::string_view to);

  bool changed() const { return changed_; }
  // After the first change.
  const std::vector<Field>& list() const { return own_; }

 private:
  void own();

  std::span<const http::Header> received_;
  std::vector<Field> own_;
  bool changed_ = false;
};

}  // namespace sallyport::plugin
