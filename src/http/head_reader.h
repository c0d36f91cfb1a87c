// Walks the lines of a message head for h1_reader.h: strict line ends, strict names, size limits,
// resumption. Requests and responses differ only in the first line and in what the fields mean.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "http/framing.h"
#include "http/h1_reader.h"
#include "http/scan.h"

namespace sallyport::http {

// Where the fields of a head are put, and what was learnt on the way.
struct HeadFields {
  std::span<Header> room;
  std::span<uint8_t> first;  // by HeaderId: 1 + index of the first such field, 0 for none
  uint32_t count = 0;        // fields seen, also those beyond the room
  FramingFields framing{};

  void clear();
};

class HeadReader {
 public:
  // `max_field_line`: bytes of a line, without its end.
  HeadReader(std::string_view bytes, const Limits& limits, size_t max_field_line,
             HeadFields& fields, ParseFault& fault)
      : bytes_(bytes.substr(0, limits.max_head)),
        clipped_(bytes.size() > limits.max_head),
        limits_(limits),
        max_field_line_(max_field_line),
        fields_(fields),
        fault_(fault),
        window_(bytes_) {}

  // Reads to the blank line. The first line is given to `first_line`, a callable
  // bool(std::string_view) that sets the fault before it returns false; with `skip_empty` one empty
  // line may stand before it (RFC 9112 section 2.2). A head that came in parts
  // is judged line by line as they come, and read again from its start when it is complete: the
  // bytes may have moved in between, so nothing that was found before can be kept.
  template <typename FirstLine>
  ParseStatus read(uint32_t& scanned, bool skip_empty, FirstLine&& first_line);

  size_t size() const { return end_; }  // of the head with its blank line, once complete

 private:
  // `scanned` keeps in its top bit that the first line is behind us.
  static constexpr uint32_t kPastFirstLine = 0x80000000U;

  // Finds the end of the line in which `from` lies, no further than `limit`. With `complete`, end_
  // is where its CR stands; with `need_more`, where the next search must start.
  ParseStatus find_line_end(size_t from, size_t limit);
  ParseStatus read_first_line_end(size_t begin, size_t from);
  // `begin` is where the first field line begins.
  ParseStatus read_fields(size_t begin, size_t from);
  // Of the line that `from` lies in, behind the first one.
  size_t line_begin(size_t from) const;
  bool read_field(size_t begin, size_t end);
  ParseStatus fail(int status, std::string_view reason);

  std::string_view bytes_;  // no more than the limit for a head
  bool clipped_;
  const Limits& limits_;
  size_t max_field_line_;
  HeadFields& fields_;
  ParseFault& fault_;
  scan::Window window_;
  size_t end_ = 0;
};

template <typename FirstLine>
ParseStatus HeadReader::read(uint32_t& scanned, bool skip_empty, FirstLine&& first_line) {
  if ((scanned & kPastFirstLine) != 0) {
    const size_t from = scanned & ~kPastFirstLine;
    ParseStatus status = read_fields(line_begin(from), from);
    if (status == ParseStatus::need_more) scanned = static_cast<uint32_t>(end_) | kPastFirstLine;
    if (status != ParseStatus::complete) return status;
    scanned = 0;
    fields_.clear();
  }
  size_t begin = skip_empty && bytes_.starts_with("\r\n") ? 2 : 0;
  ParseStatus status = read_first_line_end(begin, scanned < begin ? begin : scanned);
  if (status == ParseStatus::need_more) scanned = static_cast<uint32_t>(end_);
  if (status != ParseStatus::complete) return status;
  if (!first_line(bytes_.substr(begin, end_ - begin))) return ParseStatus::error;
  status = read_fields(end_ + 2, end_ + 2);
  if (status == ParseStatus::need_more) scanned = static_cast<uint32_t>(end_) | kPastFirstLine;
  return status;
}

}  // namespace sallyport::http
