#include "app/control_loop.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace sallyport::app {

ControlLoop::ControlLoop() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

ControlLoop::~ControlLoop() {
  close(wake_);
  if (signals_ >= 0) close(signals_);
}

void ControlLoop::post(Job job) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
  }
  eventfd_write(wake_, 1);
}

void ControlLoop::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  eventfd_write(wake_, 1);
}

void ControlLoop::on_signal(int signal, std::function<void()> handler) {
  handlers_[signal] = std::move(handler);
  sigset_t set;
  sigemptyset(&set);
  for (const auto& [number, ignored] : handlers_) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(signals_, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void ControlLoop::run() {
  while (turn(TimePoint::max())) {
  }
}

bool ControlLoop::run_until(const std::function<bool()>& done, TimePoint deadline) {
  while (!done()) {
    if (Clock::now() >= deadline || !turn(deadline)) return false;
  }
  return true;
}

bool ControlLoop::turn(TimePoint limit) {
  limit = std::min(limit, Clock::now() + std::chrono::hours(1));
  std::vector<pollfd> watched = {{wake_, POLLIN, 0}, {signals_, POLLIN, 0}};
  for (const Source& source : sources_) {
    watched.push_back({source.descriptor(), POLLIN, 0});
    limit = std::min(limit, source.next_wakeup());
  }
  poll(watched.data(), watched.size(), static_cast<int>(remaining(limit).count()));

  if (watched[0].revents) {
    eventfd_t ignored;
    eventfd_read(wake_, &ignored);
  }
  if (watched[1].revents) read_signals();
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (watched[i + 2].revents || sources_[i].next_wakeup() <= Clock::now()) sources_[i].step();
  }
  drain_jobs();
  std::lock_guard lock(mutex_);
  if (stopping_) jobs_.clear();
  return !stopping_;
}

void ControlLoop::drain_jobs() {
  std::vector<Job> ready;
  {
    std::lock_guard lock(mutex_);
    ready.swap(jobs_);
  }
  for (Job& job : ready) job();
}

void ControlLoop::read_signals() {
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    auto handler = handlers_.find(static_cast<int>(info.ssi_signo));
    if (handler != handlers_.end()) handler->second();
  }
}

}  // namespace sallyport::app
