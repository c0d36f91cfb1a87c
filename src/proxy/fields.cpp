#include "proxy/fields.h"

#include "base/text.h"
#include "http/headers.h"

namespace sallyport::proxy {
namespace {

using http::Header;
using http::HeaderId;

// A length is no matter of one hop, whoever says so: without it the body would be the next message.
bool named_by_connection(std::span<const Header> fields, const Header& field) {
  if (field.id == HeaderId::content_length) return false;
  for (const Header& one : fields) {
    if (one.id == HeaderId::connection && http::list_contains(one.value, field.name)) return true;
  }
  return false;
}

}  // namespace

bool names_fields(std::span<const Header> fields) {
  for (const Header& field : fields) {
    if (field.id != HeaderId::connection) continue;
    std::string_view list = field.value;
    std::string_view token;
    while (http::next_element(list, token)) {
      if (!text::equals_ignore_case(token, "keep-alive") &&
          !text::equals_ignore_case(token, "close")) {
        return true;
      }
    }
  }
  return false;
}

std::vector<Header> end_to_end_fields(std::span<const Header> fields) {
  std::vector<Header> out;
  for (const Header& field : fields) {
    if (field.id != HeaderId::connection && !named_by_connection(fields, field)) {
      out.push_back(field);
    }
  }
  return out;
}

void copy_fields(http::HeadWriter& out, std::span<const Header> fields, const char* head_end,
                 HeaderSet dropped) {
  const bool check_names = names_fields(fields);
  const char* run = nullptr;
  for (const Header& field : fields) {
    const char* start = field.name.data();
    const bool drop =
        dropped.contains(field.id) || (check_names && named_by_connection(fields, field));
    if (!drop) {
      if (run == nullptr) run = start;
    } else if (run != nullptr) {
      out.append({run, static_cast<size_t>(start - run)});
      run = nullptr;
    }
  }
  // Up to the blank line.
  if (run != nullptr) out.append({run, static_cast<size_t>(head_end - 2 - run)});
}

void append_list_field(http::HeadWriter& out, std::span<const Header> fields, const Header* first,
                       std::string_view name, std::string_view last) {
  out.append(name);
  out.append(": ");
  if (first != nullptr) {
    for (const Header& field : fields.subspan(first - fields.data())) {
      if (field.id != first->id || field.value.empty()) continue;
      out.append(field.value);
      out.append(", ");
    }
  }
  out.append(last);
  out.append("\r\n");
}

}  // namespace sallyport::proxy
