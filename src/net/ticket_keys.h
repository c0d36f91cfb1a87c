// The keys of TLS session tickets, one set for all workers: whoever got a ticket from one resumes
// on any. A key seals for one period of the session timeout, opens for one more, and is then wiped,
// so that what was recorded on the wire cannot be read with a key that is stolen later. Any thread;
// the lock is taken in handshakes only.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

struct ssl_ctx_st;

namespace sallyport::net {

class TicketKeys {
 public:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
  };

  // `period_s`: seconds, at least 1.
  explicit TicketKeys(int64_t period_s) : period_s_(period_s) {}
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  ~TicketKeys();

  // The one that seals at `now` (seconds of any steady clock). False when there is no randomness.
  bool sealing(int64_t now, Key& out);
  // The one of that name, while it opens. False when it is unknown by now. `old`: a ticket that it
  // opens is to be replaced.
  bool opening(int64_t now, const unsigned char* name, Key& out, bool& old);

  // Has the context's tickets sealed with these keys, which outlive it.
  void use_on(ssl_ctx_st* context);

 private:
  bool rotate(int64_t now);

  const int64_t period_s_;
  std::mutex mutex_;
  Key current_{};
  Key former_{};
  int64_t current_since_ = 0;
  bool has_current_ = false;
  bool has_former_ = false;
};

}  // namespace sallyport::net
