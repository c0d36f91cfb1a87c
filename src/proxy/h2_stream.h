// A stream that a client has opened: one request and its answer, served by a session as if it were
// a connection of its own.
#pragma once

#include "proxy/h2_pipe.h"

namespace sallyport::proxy {

class H2Connection;

class H2Stream final : public H2Pipe {
 public:
  H2Stream(H2Connection& connection, int32_t id, const http::H2Head& head);

  void fail() override;

 private:
  size_t take_head(std::string_view bytes) override;
  void start() override;
  void on_dropped() override;
  int error_of(http::H2Error why) const override;

  H2Connection& connection_;
  http::Method method_;
  net::StreamPtr starting_;  // until its session takes it
};

}  // namespace sallyport::proxy
