#include "plugins/correlation_id/correlation_id.h"

#include <ctime>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/uuid.h"
#include "model/row_reader.h"
#include "net/address.h"

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

std::string server_address(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size);
  const auto ip = net::SocketAddress::from(reinterpret_cast<sockaddr*>(&storage), size).ip();
  return ip ? std::string(ip->text()) : "unix:";
}

// Kong's: address, port, process, connection, request, time. The connection is told by its
// descriptor, and the request by a number of the worker's, for streams of HTTP/2 share the former.
std::string tracked(const Exchange& exchange) {
  thread_local uint64_t count = 0;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return fmt::format("{}-{}-{}-{}-{}-{}.{:03}", server_address(exchange.socket),
                     exchange.port.empty() ? "0" : exchange.port, ::getpid(), exchange.socket,
                     ++count, now.tv_sec, now.tv_nsec / 1'000'000);
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
    std::string id(exchange.headers.get(header_).value_or(""));
    if (id.empty()) {
      id = generator_ == Generator::uuid      ? new_uuid()
           : generator_ == Generator::counter ? counted()
                                              : tracked(exchange);
      exchange.headers.set(header_, id);
    }
    // Whatever other plugins make of the field.
    if (echo_) exchange.keep(this, std::move(id));
    return Step::next();
  }

  void header_filter(Exchange& exchange) const override {
    if (const std::string* id = exchange.kept(this)) exchange.response_headers.set(header_, *id);
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
