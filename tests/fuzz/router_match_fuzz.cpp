// fuzz: router
// Routes and a request made from the input, tried one by one and together: the router's answer must
// be a route that also matches alone, and no route may match alone when the router finds none.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "router/router.h"

namespace {

using sallyport::model::Protocol;
using sallyport::model::Route;
using sallyport::router::Match;
using sallyport::router::MatchInput;
using sallyport::router::Router;

void require(bool holds) {
  if (!holds) std::abort();
}

// Lines: "h host", "p path", "m method", "s sni", "x value" (header x), "r" begins the next route;
// the first block is the request.
struct Input {
  Route request;
  std::vector<std::shared_ptr<const Route>> routes;
};

Input parse(std::string_view text) {
  Input input;
  Route route;
  bool in_request = true;
  auto close = [&] {
    if (in_request) {
      input.request = route;
    } else if (input.routes.size() < 20) {
      route.id = std::to_string(input.routes.size());
      input.routes.push_back(std::make_shared<const Route>(route));
    }
    in_request = false;
    route = Route{};
    route.protocols = {Protocol::http, Protocol::https};
  };
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with('r')) close();
    if (line.size() < 3) continue;
    std::string value(line.substr(2, 60));
    switch (line[0]) {
      case 'h':
        route.hosts.push_back(value);
        break;
      case 'p':
        route.paths.push_back(value);
        break;
      case 'm':
        route.methods.push_back(value);
        break;
      case 's':
        route.snis.push_back(value);
        break;
      case 'x':
        route.headers.emplace_back("x", std::vector<std::string>{value});
        break;
      default:
        break;
    }
  }
  close();
  return input;
}

std::string first(const std::vector<std::string>& list) {
  return list.empty() ? "" : list.front();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input = parse({reinterpret_cast<const char*>(data), size});
  std::string host = first(input.request.hosts);
  std::string path = first(input.request.paths);
  std::string method = first(input.request.methods);
  std::string sni = first(input.request.snis);
  std::vector<sallyport::http::Header> headers;
  for (const auto& [name, values] : input.request.headers) {
    headers.push_back({.name = name, .value = values.front()});
  }
  MatchInput question{.method = method,
                      .host = host,
                      .port = 80,
                      .path = path,
                      .headers = headers,
                      .sni = sni,
                      .protocol = sni.empty() ? Protocol::http : Protocol::https};
  Router router = Router::build(input.routes, nullptr);
  Match found;
  bool any = router.match(question, found);
  if (any) {
    require(found.route < input.routes.size());
    require(found.matched_path.size() <= path.size());
    require(found.matched_path.empty() || found.matched_path.data() == path.data());
  }
  for (size_t i = 0; i < input.routes.size(); ++i) {
    Router alone = Router::build({&input.routes[i], 1}, nullptr, &router);
    Match match;
    bool matches = alone.match(question, match);
    require(any || !matches);
    if (any && i == found.route) {
      require(matches && match.matched_path == found.matched_path);
      require(match.capture_count == found.capture_count && match.regex == found.regex);
    }
  }
  return 0;
}
