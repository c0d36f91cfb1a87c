#include "plugins/request_size_limiting/request_size_limiting.h"

#include <algorithm>

#include "model/row_reader.h"

namespace sallyport::plugins::request_size_limiting {
namespace {

using plugin::Exchange;
using plugin::Step;

class RequestSizeLimiting final : public plugin::Plugin {
 public:
  RequestSizeLimiting(uint64_t limit, bool require_length)
      : limit_(limit), require_length_(require_length) {}

  plugin::Phases phases() const override { return {.access = true}; }

  Step access(Exchange& exchange) const override {
    // As with Kong, every request without a body is to say so, and chunks need no length.
    if (require_length_ && !exchange.headers.get("Content-Length") &&
        !exchange.headers.get("Transfer-Encoding")) {
      return Step::respond(plugin::message(411, "A valid Content-Length header is required"));
    }
    if (exchange.content_length) {
      if (*exchange.content_length <= limit_) return Step::next();
      return refuse(exchange);
    }
    if (exchange.body && exchange.body->size() > limit_) return refuse(exchange);
    // Its length shows while it is passed on.
    exchange.max_body = std::min(exchange.max_body.value_or(limit_), limit_);
    return Step::next();
  }

 private:
  static Step refuse(const Exchange& exchange) {
    return Step::respond(
        plugin::message(exchange.expects_continue ? 417 : 413, "Request size limit exceeded"));
  }

  uint64_t limit_;
  bool require_length_;
};

}  // namespace

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
  model::RowReader config(instance.config);
  uint64_t size = 128;
  std::string unit = "megabytes";
  bool require_length = false;
  config.integer("allowed_payload_size", size);
  config.text("size_unit", unit);
  config.flag("require_content_length", require_length);
  if (auto sound = config.verdict("plugins", std::string(instance.id)); !sound) {
    return fail(sound.error());
  }
  const uint64_t factor = unit == "megabytes" ? 1 << 20 : unit == "kilobytes" ? 1 << 10 : 1;
  return std::make_unique<const RequestSizeLimiting>(size * factor, require_length);
}

}  // namespace sallyport::plugins::request_size_limiting
