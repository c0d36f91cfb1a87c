#include <memory>

#include "base/text.h"
#include "postgres/rows_handle.h"

namespace sallyport::postgres {

size_t Rows::size() const {
  return handle_ ? static_cast<size_t>(PQntuples(handle_->result.get())) : 0;
}

size_t Rows::columns() const {
  return handle_ ? static_cast<size_t>(PQnfields(handle_->result.get())) : 0;
}

std::string_view Rows::column_name(size_t column) const {
  if (!handle_) return {};
  const char* name = PQfname(handle_->result.get(), static_cast<int>(column));
  return name == nullptr ? std::string_view() : name;
}

bool Rows::is_null(size_t row, size_t column) const {
  return !handle_ ||
         PQgetisnull(handle_->result.get(), static_cast<int>(row), static_cast<int>(column)) != 0;
}

std::string_view Rows::at(size_t row, size_t column) const {
  if (row >= size() || column >= columns()) return {};
  const PGresult* result = handle_->result.get();
  int r = static_cast<int>(row);
  int c = static_cast<int>(column);
  return {PQgetvalue(result, r, c), static_cast<size_t>(PQgetlength(result, r, c))};
}

int64_t Rows::affected() const {
  if (!handle_) return 0;
  return text::to_integer(PQcmdTuples(handle_->result.get())).value_or(0);
}

}  // namespace sallyport::postgres
