#include "plugins/correlation_id/correlation_id.h"

#include <unistd.h>

#include "base/uuid.h"
#include "model/row_reader.h"

namespace sallyport::plugins::correlation_id {
namespace {

using plugin::Exchange;
using plugin::Step;

enum class Generator : uint8_t { uuid, counter, tracker };

// One series per worker, so that they share nothing.
std::string counted() {
  thread_local const std::string series = new_uuid();
  thread_local uint64_t count = 0;
  return series + '#' + std::to_string(++count);
}

std::string tracked(const Exchange& exchange) {
  thread_local uint64_t count = 0;
  return std::string(exchange.client_ip) + '-' + std::to_string(getpid()) + '-' +
         std::to_string(++count) + '-' + std::to_string(exchange.now);
}

class CorrelationId final : public plugin::Plugin {
 public:
  explicit CorrelationId(model::RowReader& config) {
    config.text("header_name", header_);
    config.flag("echo_downstream", echo_);
    std::string generator = "uuid#counter";
    config.text("generator", generator);
    generator_ = generator == "uuid"      ? Generator::uuid
                 : generator == "tracker" ? Generator::tracker
                                          : Generator::counter;
  }

  plugin::Phases phases() const override { return {.access = true, .header_filter = echo_}; }

  Step access(Exchange& exchange) const override {
    if (const auto given = exchange.headers.get(header_); given && !given->empty()) {
      return Step::next();
    }
    exchange.headers.set(header_, generator_ == Generator::uuid      ? new_uuid()
                                  : generator_ == Generator::counter ? counted()
                                                                     : tracked(exchange));
    return Step::next();
  }

  void header_filter(Exchange& exchange) const override {
    if (const auto id = exchange.headers.get(header_)) exchange.response_headers.set(header_, *id);
  }

 private:
  std::string header_ = "Kong-Request-ID";
  Generator generator_ = Generator::counter;
  bool echo_ = false;
};

}  // namespace

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
  model::RowReader config(instance.config);
  auto made = std::make_unique<const CorrelationId>(config);
  if (auto sound = config.verdict("plugins", std::string(instance.id)); !sound) {
    return fail(sound.error());
  }
  return made;
}

}  // namespace sallyport::plugins::correlation_id
