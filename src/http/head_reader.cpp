#include "http/head_reader.h"

#include <algorithm>
#include <cstring>

#include "http/character.h"
#include "http/headers.h"

namespace sallyport::http {

void HeadFields::clear() {
  std::ranges::fill(first, uint8_t{0});
  count = 0;
  framing = {};
}

ParseStatus HeadReader::fail(int status, std::string_view reason) {
  fault_ = {.status = status, .reason = reason};
  return ParseStatus::error;
}

ParseStatus HeadReader::find_line_end(size_t from, size_t limit) {
  end_ = window_.control(from);
  if (end_ >= limit) {
    end_ = limit;
    return ParseStatus::need_more;
  }
  if (bytes_[end_] == '\n') return fail(400, "a line ends with LF alone");
  if (bytes_[end_] != '\r') return fail(400, "a control character in the head");
  if (end_ + 1 >= limit) return ParseStatus::need_more;
  if (bytes_[end_ + 1] != '\n') return fail(400, "CR without LF");
  return ParseStatus::complete;
}

ParseStatus HeadReader::read_first_line_end(size_t begin, size_t from) {
  size_t line_limit = begin + limits_.max_request_line + 2;
  ParseStatus status = find_line_end(from, std::min(bytes_.size(), line_limit));
  if (status != ParseStatus::need_more) return status;
  if (bytes_.size() > line_limit) return fail(414, "the first line is too long");
  return clipped_ ? fail(431, "the head is too large") : status;
}

// memrchr() for a head that comes byte by byte: this is asked at each.
size_t HeadReader::line_begin(size_t from) const {
  const void* end = ::memrchr(bytes_.data(), '\n', from);
  return static_cast<size_t>(static_cast<const char*>(end) - bytes_.data()) + 1;
}

ParseStatus HeadReader::read_fields(size_t begin, size_t from) {
  while (true) {
    const size_t room = bytes_.size() - begin;
    const bool long_enough = room > max_field_line_ + 2;
    ParseStatus status =
        find_line_end(from, long_enough ? begin + max_field_line_ + 2 : bytes_.size());
    if (status == ParseStatus::need_more) {
      if (long_enough) return fail(431, "a header line is too long");
      return clipped_ ? fail(431, "the head is too large") : status;
    }
    if (status != ParseStatus::complete) return status;
    if (begin == end_) break;
    if (!read_field(begin, end_)) return ParseStatus::error;
    begin = from = end_ + 2;
  }
  end_ += 2;
  return ParseStatus::complete;
}

bool HeadReader::read_field(size_t begin, size_t end) {
  size_t colon = window_.non_token(begin);  // at the latest at `end`, where CR stands
  if (bytes_[colon] != ':') {
    bool blank = bytes_[colon] == ' ' || bytes_[colon] == '\t';
    if (blank && colon == begin) {
      fail(400, "a folded header line");
    } else if (blank) {
      fail(400, "a blank in a header name");
    } else {
      fail(400,
           colon == end ? "a header line without colon" : "an invalid character in a header name");
    }
    return false;
  }
  if (colon == begin) {
    fail(400, "an empty header name");
    return false;
  }
  Header header{.name = bytes_.substr(begin, colon - begin),
                .value = trim_blanks(bytes_.substr(colon + 1, end - colon - 1))};
  header.id = header_id(header.name);
  if (fields_.count < fields_.room.size()) {
    fields_.room[fields_.count] = header;
    uint8_t& first = fields_.first[static_cast<size_t>(header.id)];
    if (first == 0) first = static_cast<uint8_t>(fields_.count + 1);
  }
  ++fields_.count;
  if (fields_.framing.add(header)) return true;
  fail(fields_.framing.fault_status, fields_.framing.fault);
  return false;
}

}  // namespace sallyport::http
