#include "http/h1_writer.h"

#include "http/character.h"
#include "http/status.h"

namespace sallyport::http {

bool valid_field_value(std::string_view value) {
  for (char c : value) {
    if (is(c, kControl)) return false;
  }
  return true;
}

bool valid_field_name(std::string_view name) {
  return !name.empty() && all_of(name, kToken);
}

void HeadWriter::append_number(uint64_t number) {
  char digits[20];
  auto result = std::to_chars(digits, digits + sizeof digits, number);
  append({digits, static_cast<size_t>(result.ptr - digits)});
}

void HeadWriter::request_line(std::string_view method, std::string_view target) {
  append(method);
  append(" ");
  append(target);
  append(" HTTP/1.1\r\n");
}

void HeadWriter::status_line(int status, std::string_view reason) {
  append("HTTP/1.1 ");
  append_number(static_cast<uint64_t>(status));
  append(" ");
  append(reason.empty() ? reason_phrase(status) : reason);
  append("\r\n");
}

void HeadWriter::field(std::string_view name, uint64_t number) {
  char digits[20];
  auto result = std::to_chars(digits, digits + sizeof digits, number);
  field(name, {digits, static_cast<size_t>(result.ptr - digits)});
}

bool HeadWriter::checked_field(std::string_view name, std::string_view value) {
  if (!valid_field_name(name) || !valid_field_value(value)) return false;
  field(name, value);
  return true;
}

size_t write_chunk_head(std::span<char, kMaxChunkHead> out, uint64_t size) {
  char* end = std::to_chars(out.data(), out.data() + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return static_cast<size_t>(end - out.data());
}

}  // namespace sallyport::http
