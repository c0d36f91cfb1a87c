// A stream to an upstream: the request goes out as fields and payload, the answer comes as
// HTTP/1.1 text.
#pragma once

#include "proxy/h2_pipe.h"

namespace sallyport::proxy {

class H2Upstream;

class H2UpstreamPipe final : public H2Pipe {
 public:
  explicit H2UpstreamPipe(H2Upstream& connection);

  using H2Pipe::make_pipe;
  void take_response(const http::H2Head& head);
  void on_unsent();

 private:
  size_t take_head(std::string_view bytes) override;
  void on_dropped() override;
  int error_of(http::H2Error why) const override;
  int error_of_broken_connection() const override;

  H2Upstream& connection_;
  http::Method method_ = http::Method::other;
  uint64_t started_;
};

}  // namespace sallyport::proxy
