#include "net/dns_answer.h"

namespace sallyport::net {
namespace {

constexpr size_t kHeader = 12;
constexpr size_t kMaxName = 255;
constexpr int kMaxPointers = 32;
constexpr uint16_t kSrv = 33;
constexpr uint16_t kInternet = 1;

class Reader {
 public:
  explicit Reader(std::string_view message) : message_(message) {}

  size_t at() const { return at_; }
  void seek(size_t at) { at_ = at; }
  bool sound() const { return sound_; }

  uint32_t number(size_t bytes) {
    if (!has(bytes)) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | byte(at_++);
    return value;
  }
  bool skip(size_t bytes) {
    if (has(bytes)) at_ += bytes;
    return sound_;
  }

  // A name, which may go on elsewhere in the message (RFC 1035 4.1.4): pointers go backwards only,
  // and are few.
  std::string name() {
    std::string out;
    size_t at = at_;
    size_t end = 0;  // behind the name where it stands; 0: not known yet
    for (int pointers = 0;;) {
      if (at >= message_.size()) return broken();
      const size_t length = byte(at);
      if (length >= 0xc0) {
        if (at + 1 >= message_.size() || ++pointers > kMaxPointers) return broken();
        const size_t to = (length & 0x3f) << 8 | byte(at + 1);
        if (to >= at) return broken();
        if (end == 0) end = at + 2;
        at = to;
        continue;
      }
      if (length > 63) return broken();
      if (length == 0) break;
      if (at + 1 + length > message_.size() || out.size() + length + 1 > kMaxName) return broken();
      if (!out.empty()) out += '.';
      if (!append_label(out, message_.substr(at + 1, length))) return broken();
      at += 1 + length;
    }
    at_ = end != 0 ? end : at + 1;
    return out;
  }

 private:
  uint8_t byte(size_t at) const { return static_cast<uint8_t>(message_[at]); }
  bool has(size_t bytes) {
    if (bytes > message_.size() - at_) sound_ = false;
    return sound_;
  }
  std::string broken() {
    sound_ = false;
    return "";
  }
  // Host names only: what else a label may hold would confuse whoever prints or asks for it.
  static bool append_label(std::string& out, std::string_view label) {
    for (char c : label) {
      if (c <= ' ' || c == '.' || c == '\\' || c == 0x7f) return false;
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return true;
  }

  std::string_view message_;
  size_t at_ = 0;
  bool sound_ = true;
};

bool read_srv(Reader& reader, size_t end, uint32_t ttl, std::vector<SrvRecord>& out) {
  SrvRecord record;
  record.ttl_s = ttl;
  record.priority = static_cast<uint16_t>(reader.number(2));
  record.weight = static_cast<uint16_t>(reader.number(2));
  record.port = static_cast<uint16_t>(reader.number(2));
  record.target = reader.name();
  if (!reader.sound() || reader.at() != end) return false;
  if (out.size() < kMaxSrvRecords) out.push_back(std::move(record));
  return true;
}

}  // namespace

std::optional<std::vector<SrvRecord>> read_srv_answer(std::string_view message) {
  if (message.size() < kHeader) return std::nullopt;
  Reader reader(message);
  reader.skip(4);
  const uint32_t questions = reader.number(2);
  const uint32_t answers = reader.number(2);
  reader.skip(4);
  for (uint32_t i = 0; i < questions && reader.sound(); ++i) {
    reader.name();
    reader.skip(4);
  }
  std::vector<SrvRecord> out;
  for (uint32_t i = 0; i < answers && reader.sound(); ++i) {
    reader.name();
    const uint32_t type = reader.number(2);
    const uint32_t kind = reader.number(2);
    uint32_t ttl = reader.number(4);
    if (ttl > 0x7fff'ffff) ttl = 0;  // RFC 2181 8
    const size_t end = reader.number(2) + reader.at();
    if (!reader.sound() || end > message.size()) return std::nullopt;
    if (type == kSrv && kind == kInternet && !read_srv(reader, end, ttl, out)) return std::nullopt;
    reader.seek(end);
  }
  if (!reader.sound()) return std::nullopt;
  return out;
}

}  // namespace sallyport::net
