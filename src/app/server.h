// The running node: the control loop, the link with its change feed, the snapshot builder, the data
// plane, the Admin and Status API, put together. One per process, on the main thread.
#pragma once

#include <memory>

#include "base/error.h"
#include "conf/loader.h"

namespace sallyport::app {

class Server {
 public:
  // Connects, checks the database's schema, loads the configuration, binds the listeners. When it
  // returns, requests are served. `reload` gives a freshly loaded configuration at SIGHUP.
  // `take_over`: another process serves on the same addresses, and ends when it is told to.
  static Result<std::unique_ptr<Server>> start(conf::Settings settings,
                                               std::function<conf::Loaded()> reload,
                                               bool take_over = false);

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  virtual ~Server() = default;

  // Until SIGTERM or SIGINT (at once) or SIGQUIT (drained); SIGHUP loads the configuration anew,
  // SIGUSR1 opens the logs anew.
  virtual void run() = 0;

 protected:
  Server() = default;
};

}  // namespace sallyport::app
