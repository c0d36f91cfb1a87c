#include "router/stream_router.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::router {
namespace {

using model::Protocol;
using model::Route;
using Peers = std::vector<model::Peer>;

struct Table {
  std::vector<std::shared_ptr<const Route>> routes;
  std::vector<Error> faults;
  StreamRouter router;

  explicit Table(std::vector<Route> list, Flavor flavor = Flavor::traditional_compatible) {
    for (Route& route : list) {
      if (route.protocols.empty()) route.protocols = {Protocol::tcp, Protocol::tls, Protocol::udp};
      routes.push_back(std::make_shared<const Route>(std::move(route)));
    }
    router = StreamRouter::build(routes, &faults, flavor);
  }

  int64_t ask(std::string_view client, uint16_t port, std::string_view sni = {},
              Protocol protocol = Protocol::tcp) const {
    return router.match({.protocol = protocol,
                         .sni = sni,
                         .source = {.ip = client, .port = 4000},
                         .destination = {.ip = "10.0.0.9", .port = port}});
  }
};

Route route(Peers sources, Peers destinations, std::vector<std::string> snis = {}) {
  Route out;
  out.sources = std::move(sources);
  out.destinations = std::move(destinations);
  out.snis = std::move(snis);
  return out;
}

TEST(StreamRouter, MatchesBothEnds) {
  Table table({route({{"10.1.0.0/16", 0}}, {{"", 9000}, {"10.0.0.9", 9001}})});
  EXPECT_EQ(table.ask("10.1.2.3", 9000), 0);
  EXPECT_EQ(table.ask("10.1.2.3", 9001), 0);
  EXPECT_EQ(table.ask("10.1.2.3", 9002), -1);
  EXPECT_EQ(table.ask("10.2.2.3", 9000), -1);
  EXPECT_EQ(table.ask("fd00::1", 9000), -1);
  EXPECT_EQ(table.ask("10.1.2.3", 9000, {}, Protocol::tls_passthrough), -1);
}

TEST(StreamRouter, TheNarrowerGoesFirst) {
  Table table({route({{"10.0.0.0/8", 0}}, {}), route({{"", 4000}}, {}),
               route({{"10.1.2.3", 0}}, {}), route({}, {{"10.0.0.9", 9000}}),
               route({{"10.0.0.0/8", 0}}, {{"", 9001}}), route({}, {}, {"*.a.test"})});
  EXPECT_EQ(table.ask("10.9.9.9", 80), 1);      // a port before a range
  EXPECT_EQ(table.ask("10.1.2.3", 80), 2);      // an address before both
  EXPECT_EQ(table.ask("172.16.0.1", 9000), 1);  // the source before the destination
  EXPECT_EQ(table.ask("10.1.2.3", 9001), 4);    // both ends before one
  EXPECT_EQ(table.ask("10.1.2.3", 80, "X.a.test", Protocol::tls), 5);
}

TEST(StreamRouter, TiesGoToTheOldest) {
  Route older = route({{"", 4000}}, {}), newer = older;
  older.created_at = 1;
  newer.created_at = 2;
  EXPECT_EQ(Table({newer, older}).ask("10.1.2.3", 80), 1);
}

// As in Kong, whatever a wildcard leaves open.
TEST(StreamRouter, AmongNamesOnlyTheAgeCounts) {
  Route wildcard = route({}, {}, {"*.a.test"}), exact = route({}, {}, {"x.a.test"});
  wildcard.created_at = 1;
  exact.created_at = 2;
  EXPECT_EQ(Table({exact, wildcard}).ask("10.1.2.3", 80, "x.a.test", Protocol::tls), 1);
  wildcard.created_at = 3;
  EXPECT_EQ(Table({exact, wildcard}).ask("10.1.2.3", 80, "x.a.test", Protocol::tls), 0);
  // What else a route asks for comes before that.
  exact.destinations = {{"", 80}};
  wildcard.created_at = 1;
  EXPECT_EQ(Table({wildcard, exact}).ask("10.1.2.3", 80, "x.a.test", Protocol::tls), 1);
  // Both ends are as good as a name, and ask for more.
  Table table({route({}, {}, {"x.a.test"}), route({{"10.0.0.0/8", 0}}, {{"", 80}})});
  EXPECT_EQ(table.ask("10.1.2.3", 80, "x.a.test", Protocol::tls), 1);
}

TEST(StreamRouter, WeightsAddUp) {
  Table table({route({{"10.0.0.0/8", 4000}}, {}), route({{"10.1.2.3", 0}}, {}),
               route({{"", 4000}}, {{"", 80}}), route({{"", 4000}}, {{"", 80}, {"10.0.0.9", 81}})});
  EXPECT_EQ(table.ask("10.1.2.3", 9000), 1);  // 8 before 5
  EXPECT_EQ(table.ask("10.9.9.9", 9000), 0);
  EXPECT_EQ(table.ask("172.16.0.1", 80), 3);  // 12 before 4
}

TEST(StreamRouter, OneEndAloneStandsAmongTheExpressions) {
  for (const int priority : {128, 129}) {  // 8 * 16
    Route expression;
    expression.expression = "net.dst.port == 80";
    expression.priority = priority;
    Table table({route({{"10.1.2.3", 0}}, {}), expression, route({}, {}, {"x.a.test"})},
                Flavor::expressions);
    EXPECT_EQ(table.ask("10.1.2.3", 80), priority > 128 ? 1 : 0);
    EXPECT_EQ(table.ask("10.1.2.3", 80, "x.a.test", Protocol::tls), 2);
  }
}

TEST(StreamRouter, TakesExpressions) {
  Route low, high, web;
  low.expression = "net.src.ip in 10.0.0.0/8";
  high.expression = R"(tls.sni =^ ".a.test" && net.dst.port == 443)";
  high.priority = 5;
  web.protocols = {Protocol::http};
  web.expression = R"(http.path == "/")";
  Table table({low, high, web}, Flavor::expressions);
  EXPECT_TRUE(table.faults.empty());
  EXPECT_EQ(table.ask("10.1.2.3", 443), 0);
  EXPECT_EQ(table.ask("10.1.2.3", 443, "b.a.test", Protocol::tls), 1);
  EXPECT_EQ(table.ask("11.1.2.3", 80), -1);
}

TEST(StreamRouter, FaultsNameTheRoute) {
  Route bad = route({{"10.0.0", 0}}, {});
  bad.id = "the-id";
  Table table({bad, route({}, {}), route({}, {{"", 80}})});
  ASSERT_EQ(table.faults.size(), 2u);
  EXPECT_NE(table.faults[0].detail.find("the-id"), std::string::npos);
  EXPECT_EQ(table.faults[1].code, "router.empty");
  EXPECT_EQ(table.ask("10.1.2.3", 80), 2);
}

}  // namespace
}  // namespace sallyport::router
