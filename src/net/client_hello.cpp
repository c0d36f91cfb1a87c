#include "net/client_hello.h"

#include <algorithm>
#include <optional>
#include <set>

namespace sallyport::net {
namespace {

constexpr size_t kRecordHeader = 5;
constexpr size_t kHandshakeHeader = 4;
constexpr size_t kMaxRecord = size_t{16} * 1024;  // of plaintext, RFC 8446 5.1
constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kClientHelloMessage = 1;
constexpr uint16_t kServerName = 0;
constexpr size_t kMaxName = 255;

// Takes big-endian numbers and vectors off the front; a read beyond the end makes it broken.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : left_(bytes) {}

  uint32_t number(size_t bytes) {
    uint32_t value = 0;
    for (const char c : take(bytes)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }
  // A vector behind its length of `length_bytes`.
  std::string_view vector(size_t length_bytes) { return take(number(length_bytes)); }
  std::string_view take(size_t count) {
    if (count > left_.size()) {
      sound_ = false;
      count = 0;
    }
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }
  bool sound() const { return sound_; }
  bool at_end() const { return left_.empty(); }

 private:
  std::string_view left_;
  bool sound_ = true;
};

// A name as RFC 6066 3 has it: ASCII, no NUL or blank that a log or a match could trip over.
std::optional<std::string> clean_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxName) return std::nullopt;
  std::string out(name);
  for (char& c : out) {
    if (c <= ' ' || c == 0x7f) return std::nullopt;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool read_server_name(std::string_view extension, ClientHello& out) {
  Cursor whole(extension);
  Cursor list(whole.vector(2));
  if (!whole.sound() || !whole.at_end() || list.at_end()) return false;
  while (!list.at_end()) {
    const uint32_t type = list.number(1);
    const std::string_view name = list.vector(2);
    if (!list.sound()) return false;
    if (type != 0) continue;
    if (!out.server_name.empty()) return false;  // one of each type at most
    const auto clean = clean_name(name);
    if (!clean) return false;
    out.server_name = *clean;
  }
  return true;
}

bool read_extensions(std::string_view bytes, ClientHello& out) {
  Cursor extensions(bytes);
  std::set<uint32_t> seen;
  while (!extensions.at_end()) {
    const uint32_t type = extensions.number(2);
    const std::string_view content = extensions.vector(2);
    if (!extensions.sound() || !seen.insert(type).second) return false;
    if (type == kServerName && !read_server_name(content, out)) return false;
  }
  return true;
}

HelloParse read_message(std::string_view body, ClientHello& out) {
  constexpr size_t kRandom = 32;
  Cursor hello(body);
  const uint32_t version = hello.number(2);
  hello.take(kRandom);
  const std::string_view session = hello.vector(1);
  const std::string_view suites = hello.vector(2);
  const std::string_view compression = hello.vector(1);
  if (!hello.sound() || version >> 8 != 3 || session.size() > 32 || suites.empty() ||
      suites.size() % 2 != 0 || compression.empty()) {
    return HelloParse::error;
  }
  if (hello.at_end()) return HelloParse::complete;  // TLS 1.2 without extensions
  const std::string_view extensions = hello.vector(2);
  if (!hello.sound() || !hello.at_end() || !read_extensions(extensions, out)) {
    return HelloParse::error;
  }
  return HelloParse::complete;
}

// What the first bytes of a record's header or of the message's can show already.
bool plausible(std::string_view record) {
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(record[at]); };
  if (!record.empty() && byte(0) != kHandshakeRecord) return false;
  if (record.size() > 1 && byte(1) != 3) return false;
  if (record.size() < kRecordHeader) return true;
  const size_t length = size_t{byte(3)} << 8 | byte(4);
  return length > 0 && length <= kMaxRecord;
}

}  // namespace

HelloParse read_client_hello(std::string_view bytes, ClientHello& out) {
  out = {};
  // The message may be cut into records anywhere.
  std::string message;
  size_t wanted = kHandshakeHeader;
  for (std::string_view rest = bytes.substr(0, kMaxClientHello); message.size() < wanted;) {
    if (!plausible(rest)) return HelloParse::error;
    const auto more = [&] {
      return bytes.size() < kMaxClientHello ? HelloParse::need_more : HelloParse::error;
    };
    if (rest.size() < kRecordHeader) return more();
    Cursor header(rest.substr(3));
    const size_t length = header.number(2);
    const std::string_view content = rest.substr(kRecordHeader, length);
    const size_t record_end = message.size() + length;
    message += content;
    if (!message.empty() && static_cast<uint8_t>(message[0]) != kClientHelloMessage) {
      return HelloParse::error;
    }
    if (message.size() >= kHandshakeHeader) {
      Cursor start(std::string_view(message).substr(1));
      wanted = kHandshakeHeader + start.number(3);
      // A ClientHello is the last message of its flight: nothing may stand behind it in its record.
      if (wanted > kMaxClientHello || record_end > wanted) return HelloParse::error;
    }
    if (message.size() >= wanted) break;
    if (content.size() < length) return more();
    rest.remove_prefix(kRecordHeader + length);
  }
  const HelloParse verdict = read_message(std::string_view(message).substr(kHandshakeHeader), out);
  if (verdict == HelloParse::error) out = {};
  return verdict;
}

}  // namespace sallyport::net
