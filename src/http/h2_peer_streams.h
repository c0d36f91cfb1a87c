// Which of a client's latest streams may get no HEADERS any more: those that it has passed over
// and those that it has ended (RFC 9113 sections 5.1 and 5.1.1). nghttp2 forgets closed streams and
// ignores what comes for them, as it must where we have reset them. Part of an H2Session.
#pragma once

#include <cstdint>

namespace sallyport::http {

class H2PeerStreams {
 public:
  enum class Verdict : uint8_t { fine, never_opened, ended };

  // HEADERS have come for `id`, an odd number.
  Verdict on_headers(int32_t id) {
    if (id > newest_) {
      const auto step = distance(newest_, id);
      passed_over_ = step < kKept ? (passed_over_ << step) | ((uint64_t{1} << step) - 2) : ~1ULL;
      ended_ = step < kKept ? ended_ << step : 0;
      newest_ = id;
      return Verdict::fine;
    }
    const uint64_t bit = bit_of(id);
    if ((passed_over_ & bit) != 0) return Verdict::never_opened;
    return (ended_ & bit) != 0 ? Verdict::ended : Verdict::fine;
  }
  // END_STREAM has come for it.
  void on_end(int32_t id) {
    if (id <= newest_) ended_ |= bit_of(id);
  }

 private:
  static constexpr uint32_t kKept = 64;

  // In numbers of one client; the first is -1 at least.
  static uint32_t distance(int32_t from, int32_t to) {
    return (static_cast<uint32_t>(to) - static_cast<uint32_t>(from)) / 2;
  }

  // By age; none for one that is too old.
  uint64_t bit_of(int32_t id) const {
    const auto age = distance(id, newest_);
    return age < kKept ? uint64_t{1} << age : 0;
  }

  int32_t newest_ = -1;
  uint64_t passed_over_ = 0;
  uint64_t ended_ = 0;
};

}  // namespace sallyport::http
