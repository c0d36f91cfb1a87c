// An exchange made up by a test, and a plugin made of JSON text. For *_test.cpp only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "plugin/plugin.h"

namespace sallyport::plugin {

struct ExchangeForTest {
  explicit ExchangeForTest(std::vector<http::Header> fields = {}, std::string_view query = "")
      : received(std::move(fields)) {
    exchange.method = "GET";
    exchange.scheme = "http";
    exchange.path = exchange.raw_path = "/";
    exchange.query = query;
    exchange.has_query = !query.empty();
    exchange.client_ip = "10.1.2.3";
    exchange.identities = &identities;
    exchange.now = 1'700'000'000;
    exchange.headers = Fields(received);
  }

  std::shared_ptr<const model::Consumer> consumer(const std::string& id, const std::string& name) {
    auto made = std::make_shared<const model::Consumer>(model::Consumer{id, name, "c-" + id});
    identities.add(made);
    return made;
  }
  std::string header(std::string_view name) const {
    return std::string(exchange.headers.get(name).value_or("(none)"));
  }
  // 0: it goes on.
  int run(const Plugin& plugin) {
    Step step = plugin.access(exchange);
    if (!step.responds()) return 0;
    response = step.response();
    return response.status;
  }

  std::vector<http::Header> received;
  Identities identities;
  Exchange exchange;
  Response response;
};

using Make = Result<std::unique_ptr<const Plugin>> (*)(const Instance&);

inline std::unique_ptr<const Plugin> made(Make make, std::string_view config) {
  const Json json = parse_json(config);
  auto plugin = make({.id = "p1", .config = json});
  EXPECT_TRUE(plugin.has_value()) << config;
  return plugin ? *std::move(plugin) : nullptr;
}

}  // namespace sallyport::plugin
