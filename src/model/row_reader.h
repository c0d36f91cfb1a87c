// Reads the fields of one row, or of a record in it, into typed members, and remembers the first
// that has the wrong form. For decode_*.cpp only: it needs the JSON library's header.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace sallyport::model {

class RowReader {
 public:
  explicit RowReader(const Json& row) : row_(row) {}

  // Null when absent or null: the member keeps its default.
  const Json* get(const char* field) const;
  void text(const char* field, std::string& out);
  void flag(const char* field, bool& out);
  void texts(const char* field, std::vector<std::string>& out);
  void reference(const char* field, std::string& id);

  template <typename Integer>
  void integer(const char* field, Integer& out) {
    const Json* value = get(field);
    if (value == nullptr) return;
    if (!value->is_number()) return blame(field);
    const double number = value->get<double>();
    if (number < static_cast<double>(std::numeric_limits<Integer>::min()) ||
        number > static_cast<double>(std::numeric_limits<Integer>::max())) {
      return blame(field);
    }
    out = value->is_number_float() ? static_cast<Integer>(number) : value->get<Integer>();
  }
  template <typename Integer>
  void integers(const char* field, std::vector<Integer>& out) {
    const Json* list = get(field);
    if (list == nullptr) return;
    if (!list->is_array()) return blame(field);
    out.clear();
    for (const Json& value : *list) {
      if (!value.is_number_integer()) return blame(field);
      out.push_back(value.get<Integer>());
    }
  }
  // Seconds, as a number with a fraction, into milliseconds.
  void seconds(const char* field, uint32_t& out_ms);
  void number(const char* field, double& out);

  void blame(const char* field) {
    if (blamed_ == nullptr) blamed_ = field;
  }
  bool sound() const { return blamed_ == nullptr; }
  // The error of this row, when it has one. `id` is what was read so far.
  Result<void> verdict(const char* entity, const std::string& id) const;

  static bool is_texts(const Json& list);

 private:
  const Json& row_;
  const char* blamed_ = nullptr;
};

}  // namespace sallyport::model
