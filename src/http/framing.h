// Collects the header fields that decide where a message ends and what happens to its connection,
// while the head is read. Part of the readers (h1_reader.h); one per head. A field is judged alone
// as it comes; what needs several fields waits for the blank line, so that a head gets the same
// verdict however it was cut.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/message.h"

namespace sallyport::http {

struct FramingFields {
  // Looks at one field. A field that can be judged alone and is wrong sets `fault` (a literal) and
  // returns false.
  bool add(const Header& header) { return !matters(header) || look_at(header); }

  std::string_view fault;
  int fault_status = 400;
  uint64_t content_length = 0;
  bool close = false;
  bool keep_alive = false;
  bool connection_upgrade = false;
  bool names_framing = false;  // as belonging to this hop alone
  bool has_upgrade = false;
  bool expect_continue = false;
  uint16_t length_count = 0;
  uint16_t transfer_encoding_count = 0;
  uint16_t host_count = 0;
  std::string_view host;  // the last one

  bool has_length() const { return length_count != 0; }
  bool chunked() const { return transfer_encoding_count != 0; }

  // Refuses what two readers could take for two different lengths (RFC 9112 section 6.3).
  bool check_lengths(bool http_1_0);

 private:
  // Most fields say nothing about framing; this costs them two comparisons.
  static bool matters(const Header& header) {
    constexpr auto bit = [](HeaderId id) { return uint64_t{1} << static_cast<unsigned>(id); };
    constexpr uint64_t kIds = bit(HeaderId::content_length) | bit(HeaderId::transfer_encoding) |
                              bit(HeaderId::connection) | bit(HeaderId::host) |
                              bit(HeaderId::upgrade) | bit(HeaderId::expect);
    if (header.id != HeaderId::other) return (kIds & bit(header.id)) != 0;
    return header.name.size() == 14 || header.name.size() == 17;
  }
  bool look_at(const Header& header);
  bool fail(std::string_view reason, int status = 400);
  bool add_length(std::string_view value);
  bool add_transfer_encoding(std::string_view value);
  void add_connection(std::string_view value);
  bool add_other(std::string_view name);
};

}  // namespace sallyport::http
