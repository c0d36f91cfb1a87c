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
  bool add(const Header& header);

  std::string_view fault;
  int fault_status = 400;
  uint64_t content_length = 0;
  bool close = false;
  bool keep_alive = false;
  bool connection_upgrade = false;
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
  bool fail(std::string_view reason, int status = 400);
  bool add_length(std::string_view value);
  bool add_transfer_encoding(std::string_view value);
  void add_connection(std::string_view value);
  bool add_other(std::string_view name);
};

}  // namespace sallyport::http
