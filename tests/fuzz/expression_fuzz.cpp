// fuzz: router
// The input is an expression and, behind the first NUL, a path, a query and a header value.
// Whatever parses must answer alike alone and through the router's index; whatever does not must
// say where.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "router/expression_program.h"
#include "router/router.h"

namespace {

using sallyport::model::Protocol;
using sallyport::model::Route;
using namespace sallyport::router;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string_view part(std::string_view& text, char end) {
  const std::string_view out = text.substr(0, text.find(end));
  text.remove_prefix(std::min(text.size(), out.size() + 1));
  return out;
}

void ask(const ExpressionNode& root, const std::string& expression, std::string_view rest) {
  const std::string path = "/" + std::string(part(rest, '\n').substr(0, 200));
  const std::string_view query = part(rest, '\n');
  const std::string value(rest.substr(0, 200));
  const std::vector<sallyport::http::Header> headers{{.name = "X-Foo", .value = value},
                                                     {.name = "x_bar", .value = value}};
  const MatchInput input{.method = "GET",
                         .host = "a.example.com",
                         .port = 80,
                         .path = path,
                         .headers = headers,
                         .sni = "a.example.com",
                         .protocol = Protocol::https,
                         .query = query,
                         .source = {.ip = "10.1.2.3", .port = 999}};
  Match alone, routed;
  const uint64_t before = Pattern::gave_up();
  const bool holds = ExpressionProgram(root).matches(input, input.host, alone);
  Route route;
  route.id = "a";
  route.protocols = {Protocol::https};
  route.expression = expression;
  std::vector<sallyport::Error> faults;
  const Router router = Router::build(std::vector{std::make_shared<const Route>(route)}, &faults,
                                      nullptr, Flavor::expressions);
  require(faults.empty());
  const bool found = router.match(input, routed);
  if (Pattern::gave_up() != before) return;  // neither has decided
  require(found == holds);
  if (holds) require(alone.matched_path == routed.matched_path && alone.regex == routed.regex);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string expression(part(text, '\0'));
  if (expression.empty()) return 0;
  PatternCache patterns;
  ExpressionFault fault;
  const auto root = parse_expression(expression, Subsystem::http, patterns, fault);
  if (root == nullptr) {
    require(fault.at <= expression.size() && !fault.reason.empty());
    require(!fault.text(expression).empty());
    return 0;
  }
  ask(*root, expression, text);
  return 0;
}
