#include "app/early_requests.h"

#include <utility>

namespace sallyport::app {
namespace {

constexpr Milliseconds kPatience{1'000};
constexpr Milliseconds kStep{2};

}  // namespace

void EarlyRequests::answer(http::BufferedRequest request, proxy::Reply reply) {
  answer({std::move(request), std::move(reply), Clock::now() + kPatience});
}

void EarlyRequests::look() {
  next_look_ = TimePoint::max();
  for (Waiting& one : std::exchange(waiting_, {})) answer(std::move(one));
}

void EarlyRequests::answer(Waiting one) {
  bool early = false;
  http::BufferedResponse response = handle_(one.request, &early);
  if (early && Clock::now() < one.deadline) {
    waiting_.push_back(std::move(one));
    next_look_ = Clock::now() + kStep;
  } else {
    one.reply(std::move(response));
  }
}

}  // namespace sallyport::app
