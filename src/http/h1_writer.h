// Writes HTTP/1.1 heads and chunk framing into memory that the caller owns. Never writes beyond it:
// what does not fit sets overflowed(), and the caller tries again with more room. No allocation;
// the thread that owns the memory.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace sallyport::http {

// No CR, LF, NUL or other control but HT: what may be sent as a field value.
bool valid_field_value(std::string_view value);
// One or more token characters.
bool valid_field_name(std::string_view name);

class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> room) : room_(room) {}

  // Bytes as they are; for texts that are known to be harmless.
  void append(std::string_view text) {
    if (text.size() > room_.size() - size_) {
      overflowed_ = true;
      return;
    }
    if (!text.empty()) std::memcpy(room_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void append_number(uint64_t number);

  // "GET /path HTTP/1.1\r\n"; method and target come from a reader or from the URI functions.
  void request_line(std::string_view method, std::string_view target);
  // "HTTP/1.1 200 OK\r\n". An empty `reason` means the standard phrase; it must hold no line end.
  void status_line(int status, std::string_view reason = {});

  // A field whose name and value came through a reader or are our own.
  void field(std::string_view name, std::string_view value) {
    size_t size = name.size() + value.size() + 4;
    if (size > room_.size() - size_) {
      overflowed_ = true;
      return;
    }
    char* at = room_.data() + size_;
    std::memcpy(at, name.data(), name.size());
    at += name.size();
    *at++ = ':';
    *at++ = ' ';
    if (!value.empty()) std::memcpy(at, value.data(), value.size());
    at += value.size();
    *at++ = '\r';
    *at = '\n';
    size_ += size;
  }
  void field(std::string_view name, uint64_t number);

  // A field with data from elsewhere (configuration, plugins, databases): false, and nothing is
  // written, when the name is no token or the value could end the line.
  [[nodiscard]] bool checked_field(std::string_view name, std::string_view value);

  // The blank line.
  void end() { append("\r\n"); }

  std::string_view text() const { return {room_.data(), size_}; }
  size_t size() const { return size_; }
  bool overflowed() const { return overflowed_; }

 private:
  std::span<char> room_;
  size_t size_ = 0;
  bool overflowed_ = false;
};

// A chunk is: chunk head, data, kChunkEnd. The body ends with kLastChunk.
inline constexpr size_t kMaxChunkHead = 18;
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// "1a\r\n" for 26 bytes of data into `out`; returns its length. `size` is not 0.
size_t write_chunk_head(std::span<char, kMaxChunkHead> out, uint64_t size);

}  // namespace sallyport::http
