// Copying the header fields of a received head into one that is sent, without those that end here.
// Fields that stay are copied in runs, as the bytes they came in. No allocation.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "http/h1_writer.h"
#include "http/message.h"

namespace sallyport::proxy {

class HeaderSet {
 public:
  constexpr HeaderSet(std::initializer_list<http::HeaderId> ids) {
    for (http::HeaderId id : ids) bits_ |= bit(id);
  }
  constexpr void add(HeaderSet other) { bits_ |= other.bits_; }
  constexpr bool contains(http::HeaderId id) const { return (bits_ & bit(id)) != 0; }

 private:
  static constexpr uint64_t bit(http::HeaderId id) {
    return uint64_t{1} << static_cast<unsigned>(id);
  }
  uint64_t bits_ = 0;
};
static_assert(http::kHeaderIds <= 64);

// Whether any Connection field names something but the options that every hop handles itself.
bool names_fields(std::span<const http::Header> fields);

// `fields` without Connection and what it names. For plugins: what they add is not the client's to
// take away by naming it.
std::vector<http::Header> end_to_end_fields(std::span<const http::Header> fields);

// Appends the fields that are neither in `dropped` nor named by a Connection field. `head_end` is
// one past the head's last byte, its blank line included; the fields are views into that head.
void copy_fields(http::HeadWriter& out, std::span<const http::Header> fields, const char* head_end,
                 HeaderSet dropped);

// The values of all fields `id` and then `last`, joined by ", ", as one field called `name`.
void append_list_field(http::HeadWriter& out, std::span<const http::Header> fields,
                       const http::Header* first, std::string_view name, std::string_view last);

}  // namespace sallyport::proxy
