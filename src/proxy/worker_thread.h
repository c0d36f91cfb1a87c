// A worker's thread, as the control thread sees it: starts it, sends it messages, waits for its
// end.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "net/mailbox.h"
#include "proxy/counters.h"
#include "proxy/worker.h"

namespace sallyport::proxy {

class WorkerThread {
 public:
  // `checks_health`: it runs the active health checks; one worker of a gateway does.
  WorkerThread(const WorkerShared& shared, std::vector<WorkerListener> listeners,
               bool checks_health);
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;
  ~WorkerThread();  // stops

  // Returns when the worker could accept, or says why it could not. `first`, when there is one, is
  // in use from then on. `fallback`: see net::Loop::create().
  Result<void> start(std::string* fallback, std::shared_ptr<const runtime::Snapshot> first);

  std::string_view backend() const { return backend_; }
  const WorkerCounters& counters() const { return counters_; }
  uint64_t snapshot_version() const { return snapshot_version_.load(std::memory_order_acquire); }

  // Any thread; nothing happens once the worker has ended.
  void post_snapshot(std::shared_ptr<const runtime::Snapshot> snapshot);
  void post_listen();  // on sockets that listen
  void post_drain(Milliseconds idle,
                  std::function<void()> drained);  // called on the worker's thread
  void post_shorten_drain(Milliseconds idle);
  void stop();  // and waits for the thread's end

 private:
  struct Started {
    Result<void> result;
    std::string fallback;
  };
  void run(std::promise<Started>& started, std::shared_ptr<const runtime::Snapshot> first);
  void take(std::shared_ptr<const runtime::Snapshot> snapshot);  // the worker's thread

  const WorkerShared& shared_;
  std::vector<WorkerListener> listeners_;
  const bool checks_health_;
  WorkerCounters counters_;
  std::atomic<uint64_t> snapshot_version_{0};
  std::shared_ptr<net::Mailbox> mailbox_;
  std::string_view backend_;
  Worker* worker_ = nullptr;  // dereferenced on its thread only
  std::thread thread_;
};

}  // namespace sallyport::proxy
