#include "plugins/ip_restriction/ip_restriction.h"

#include <algorithm>
#include <vector>

#include "model/row_reader.h"
#include "net/address.h"

namespace sallyport::plugins::ip_restriction {
namespace {

using plugin::Exchange;
using plugin::Step;
using Ranges = std::vector<net::Cidr>;

Result<Ranges> ranges(model::RowReader& config, const char* field) {
  std::vector<std::string> texts;
  config.texts(field, texts);
  Ranges out;
  for (const std::string& text : texts) {
    const auto range = net::Cidr::parse(text);
    if (!range) {
      return fail("plugin.config", Side::config,
                  "ip-restriction: " + text + " is neither an address nor a range");
    }
    out.push_back(*range);
  }
  return out;
}

bool any_contains(const Ranges& list, const net::IpAddress& ip) {
  return std::ranges::any_of(list, [&](const net::Cidr& range) { return range.contains(ip); });
}

class IpRestriction final : public plugin::Plugin {
 public:
  IpRestriction(Ranges allow, Ranges deny, int status, std::string message)
      : allow_(std::move(allow)),
        deny_(std::move(deny)),
        status_(status),
        message_(std::move(message)) {}

  plugin::Phases phases() const override { return {.access = true}; }

  Step access(Exchange& exchange) const override {
    const auto ip = net::IpAddress::parse(exchange.client_ip);
    if (!ip) {
      // A unix socket: there is no address that a list could hold.
      return Step::respond(plugin::message(
          403, "Cannot identify the client IP address, unix domain sockets are not supported."));
    }
    if (!refuses(*ip)) return Step::next();
    const std::string text =
        message_.empty() ? "IP address not allowed: " + std::string(exchange.client_ip) : message_;
    return Step::respond(plugin::message(status_, text));
  }

  std::string admit(const plugin::Connection& connection) const override {
    const auto ip = net::IpAddress::parse(connection.client_ip);
    if (ip && !refuses(*ip)) return "";
    return "IP address not allowed: " + std::string(connection.client_ip);
  }

 private:
  bool refuses(const net::IpAddress& ip) const {
    return any_contains(deny_, ip) || (!allow_.empty() && !any_contains(allow_, ip));
  }

  Ranges allow_, deny_;
  int status_;
  std::string message_;
};

}  // namespace

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
  model::RowReader config(instance.config);
  auto allow = ranges(config, "allow");
  if (!allow) return fail(allow.error());
  auto deny = ranges(config, "deny");
  if (!deny) return fail(deny.error());
  int status = 403;
  config.integer("status", status);
  std::string text;
  config.text("message", text);
  if (auto sound = config.verdict("plugins", std::string(instance.id)); !sound) {
    return fail(sound.error());
  }
  return std::make_unique<const IpRestriction>(*std::move(allow), *std::move(deny), status,
                                               std::move(text));
}

}  // namespace sallyport::plugins::ip_restriction
