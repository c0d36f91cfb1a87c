#include "postgres/sign_of_life.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "postgres/connection.h"

namespace sallyport::postgres {
namespace {

// A refusal is an answer too, and so is a TLS handshake that does not come to its end in time. What
// fails before anything is sent says nothing against the server.
bool answers(const LinkSettings& settings) {
  LinkState state;
  if (Connection::open(settings, &state)) return true;
  if (state.stage < LinkStage::tcp || state.stage >= LinkStage::session) return true;
  return state.ssl_answer != 0 || !state.sqlstate.empty();
}

}  // namespace

struct SignOfLife::Attempt {
  enum class Outcome : uint8_t { open, sign, silence };

  explicit Attempt(const LinkSettings& settings)
      : thread(
            [this, settings] { outcome = answers(settings) ? Outcome::sign : Outcome::silence; }) {}

  std::atomic<Outcome> outcome = Outcome::open;
  std::jthread thread;  // joined before the rest goes
};

SignOfLife::SignOfLife(const LinkSettings& settings, const LinkState& session, int failures)
    : settings_(settings), left_(failures), failures_(failures), next_(Clock::now() + kQuiet) {
  settings_.hosts = {session.host};
  settings_.address = session.address;
  settings_.timeout = std::min(settings.timeout, kWithin);
}

SignOfLife::~SignOfLife() = default;

bool SignOfLife::missing() {
  if (!attempt_) {
    if (Clock::now() >= next_) attempt_ = std::make_unique<Attempt>(settings_);
    return false;
  }
  const auto outcome = attempt_->outcome.load();
  if (outcome == Attempt::Outcome::open) return false;
  attempt_.reset();
  left_ = outcome == Attempt::Outcome::sign ? failures_ : left_ - 1;
  next_ = Clock::now() + (outcome == Attempt::Outcome::sign ? kQuiet : Milliseconds(0));
  return left_ == 0;
}

}  // namespace sallyport::postgres
