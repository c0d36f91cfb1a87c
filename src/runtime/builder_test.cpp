#include "runtime/builder.h"

#include <algorithm>
#include <map>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "model/schemas.h"
#include "runtime/publisher.h"

namespace sallyport::runtime {
namespace {

std::string id(int number) {
  return fmt::format("00000000-0000-4000-8000-{:012}", number);
}

model::Change service(int number, std::string_view more = "") {
  return {&model::services(), id(number),
          fmt::format(R"({{"id":"{}","name":"s{}","protocol":"http","host":"h","port":80,
          "path":null,"retries":5,"connect_timeout":1,"write_timeout":1,"read_timeout":1,
          "enabled":true{}}})",
                      id(number), number, more)};
}

model::Change route(int number, int service_number, std::string_view path) {
  return {&model::routes(), id(number),
          fmt::format(R"({{"id":"{}","name":"r{}","service":{{"id":"{}"}},"protocols":["http"],
          "methods":null,"hosts":null,"paths":["{}"],"headers":null,"snis":null,"sources":null,
          "destinations":null,"regex_priority":0,"created_at":1,"https_redirect_status_code":426,
          "path_handling":"v0","strip_path":true,"preserve_host":false,"request_buffering":true,
          "response_buffering":true}})",
                      id(number), number, id(service_number), path)};
}

model::ChangeBatch batch(std::vector<model::Change> changes, bool complete = false) {
  model::ChangeBatch result;
  result.complete = complete;
  result.changes = std::move(changes);
  result.sequence = 7;
  return result;
}

// The name of the route that answers a path; "" for none.
std::string routed(const Snapshot& snapshot, std::string_view path) {
  router::MatchInput input;
  input.method = "GET";
  input.host = "any.test";
  input.port = 80;
  input.path = path;
  router::Match match;
  if (!snapshot.router.match(input, match)) return "";
  return snapshot.routes[match.route].route->name;
}

const RouteEntry& entry(const Snapshot& snapshot, std::string_view name) {
  for (size_t slot = 0; slot < snapshot.routes.size(); ++slot) {
    const RouteEntry& entry = snapshot.routes[slot];
    if (entry.route != nullptr && entry.route->name == name) return entry;
  }
  ADD_FAILURE() << "no route " << name;
  return snapshot.routes[0];
}

TEST(Builder, BuildsAndShares) {
  Builder builder;
  EXPECT_TRUE(builder.apply(batch({service(1), service(2), route(1, 1, "/a")}, true)));
  auto first = builder.build();
  EXPECT_EQ(first->sequence, 7);
  EXPECT_EQ(routed(*first, "/a"), "r1");
  EXPECT_EQ(routed(*first, "/b"), "");
  EXPECT_FALSE(builder.apply(batch({service(1)})));  // the same again
  EXPECT_TRUE(builder.apply(batch({route(2, 1, "/b")})));
  auto second = builder.build();
  EXPECT_EQ(second->version, first->version + 1);
  EXPECT_EQ(routed(*second, "/b"), "r2");
  EXPECT_EQ(routed(*first, "/b"), "");  // snapshots do not change
  EXPECT_EQ(entry(*second, "r1").target, entry(*first, "r1").target);
  EXPECT_TRUE(builder.apply(batch({service(1, R"(,"host":"other")")})));
  auto third = builder.build();
  EXPECT_NE(entry(*third, "r1").target, entry(*second, "r1").target);
  EXPECT_EQ(entry(*third, "r1").target->host_header, "other");
  EXPECT_EQ(entry(*third, "r1").target, entry(*third, "r2").target);
}

TEST(Builder, CompleteBatchForgetsTheRest) {
  Builder builder;
  builder.apply(batch({service(1), route(1, 1, "/a"), route(2, 1, "/b")}, true));
  EXPECT_TRUE(builder.apply(batch({service(1), route(1, 1, "/a")}, true)));
  EXPECT_EQ(routed(*builder.build(), "/b"), "");
  EXPECT_FALSE(builder.apply(batch({service(1), route(1, 1, "/a")}, true)));
  EXPECT_TRUE(builder.apply(batch({{&model::routes(), id(1), ""}})));
  EXPECT_FALSE(builder.apply(batch({{&model::routes(), id(1), ""}})));
  EXPECT_EQ(routed(*builder.build(), "/a"), "");
}

TEST(Builder, RoutesOfDisabledServicesAreAbsent) {
  Builder builder;
  builder.apply(batch(
      {service(1, R"(,"enabled":false)"), service(2), route(1, 1, "/a/long"), route(2, 2, "/a")},
      true));
  EXPECT_EQ(routed(*builder.build(), "/a/long"), "r2");
  builder.apply(batch({service(1)}));
  EXPECT_EQ(routed(*builder.build(), "/a/long"), "r1");
}

TEST(Builder, BrokenRegexKeepsTheLastGoodForm) {
  Builder builder;
  builder.apply(batch({service(1), route(1, 1, "/a"), route(2, 1, "/b")}, true));
  builder.build();
  builder.apply(batch({route(1, 1, "~/a(")}));
  auto snapshot = builder.build();
  EXPECT_EQ(routed(*snapshot, "/a"), "r1");
  EXPECT_EQ(routed(*snapshot, "/b"), "r2");
  ASSERT_EQ(builder.faults().size(), 1u);
  EXPECT_NE(builder.faults()[0].detail.find(id(1)), std::string::npos);
  EXPECT_EQ(routed(*builder.build(), "/a"), "r1");  // and again
  EXPECT_EQ(builder.faults().size(), 1u);
  builder.apply(batch({route(1, 1, "~/c")}));
  EXPECT_EQ(routed(*builder.build(), "/c"), "r1");
  EXPECT_TRUE(builder.faults().empty());
}

TEST(Builder, BrokenFromTheStartIsLeftOut) {
  Builder builder;
  builder.apply(batch({service(1), route(1, 1, "~/a("), route(2, 1, "/b")}, true));
  auto snapshot = builder.build();
  EXPECT_EQ(routed(*snapshot, "/a("), "");
  EXPECT_EQ(routed(*snapshot, "/b"), "r2");
  EXPECT_EQ(builder.faults().size(), 1u);
  builder.apply(batch({{&model::routes(), id(1), ""}}));
  builder.build();
  EXPECT_TRUE(builder.faults().empty());
}

TEST(Builder, RowsThatDoNotDecodeKeepTheirLastForm) {
  Builder builder;
  builder.apply(batch({service(1), route(1, 1, "/a")}, true));
  EXPECT_FALSE(builder.apply(batch({service(1, R"(,"port":"many")")})));
  EXPECT_EQ(builder.faults().size(), 1u);
  EXPECT_EQ(routed(*builder.build(), "/a"), "r1");
  EXPECT_FALSE(builder.apply(batch({{&model::services(), id(2), "no json"}})));
  EXPECT_EQ(builder.faults().size(), 2u);
  builder.apply(batch({service(1), {&model::services(), id(2), ""}}));
  EXPECT_TRUE(builder.faults().empty());
}

model::Change upstream(int number, std::string_view name) {
  return {&model::upstreams(), id(number),
          fmt::format(R"({{"id":"{}","name":"{}","slots":100}})", id(number), name)};
}

model::Change target(int number, int upstream_number, std::string_view text, int weight = 100) {
  return {&model::targets(), id(number),
          fmt::format(R"({{"id":"{}","upstream":{{"id":"{}"}},"target":"{}","weight":{}}})",
                      id(number), id(upstream_number), text, weight)};
}

TEST(Builder, HostsThatNameAnUpstreamAreBalanced) {
  Builder builder;
  builder.apply(batch({service(1, R"(,"host":"pool")"), service(2), route(1, 1, "/a"),
                       route(2, 2, "/b"), target(1, 1, "10.0.0.1:80")},
                      true));
  EXPECT_EQ(entry(*builder.build(), "r1").target->upstream, nullptr);
  EXPECT_TRUE(builder.apply(batch({upstream(1, "pool"), upstream(2, "other")})));
  auto first = builder.build();
  ASSERT_NE(entry(*first, "r1").target->upstream, nullptr);
  EXPECT_EQ(entry(*first, "r1").target->upstream->targets.size(), 1u);
  EXPECT_EQ(entry(*first, "r2").target->upstream, nullptr);
  EXPECT_EQ(first->upstreams->size(), 2u);
  // Another upstream's target changes nothing here.
  EXPECT_TRUE(builder.apply(batch({target(2, 2, "10.0.0.2:80")})));
  auto second = builder.build();
  EXPECT_EQ(entry(*second, "r1").target, entry(*first, "r1").target);
  EXPECT_TRUE(builder.apply(batch({target(1, 1, "10.0.0.1:80", 0)})));
  EXPECT_EQ(entry(*builder.build(), "r1").target->upstream->targets.at(0)->weight, 0);
  EXPECT_TRUE(builder.apply(batch({{&model::upstreams(), id(1), ""}})));
  EXPECT_EQ(entry(*builder.build(), "r1").target->upstream, nullptr);
}

// What there is to see of a snapshot through requests.
std::string seen(const Snapshot& snapshot) {
  std::string out;
  for (int path = 0; path < 12; ++path) {
    router::MatchInput input;
    input.method = "GET";
    input.host = "any.test";
    input.port = 80;
    const std::string text = fmt::format("/{}", path);
    input.path = text;
    router::Match match;
    if (!snapshot.router.match(input, match)) continue;
    const RouteEntry& found = snapshot.routes[match.route];
    out += fmt::format("{} {} {}", path, found.route->name,
                       found.target == nullptr ? "-" : found.target->host_header);
    if (found.target != nullptr && found.target->upstream != nullptr) {
      out += fmt::format(" {}", found.target->upstream->targets.size());
    }
    out += '\n';
  }
  return out;
}

model::Change random_change(std::minstd_rand& random) {
  const int number = static_cast<int>(random() % 12);
  const bool remove = random() % 4 == 0;
  switch (random() % 8) {
    case 0:
    case 1: {
      if (remove) return {&model::services(), id(number), ""};
      const bool off = random() % 4 == 0;
      return service(number, fmt::format(R"(,"host":"u{}","port":{}{})", random() % 3,
                                         80 + random() % 3, off ? R"(,"enabled":false)" : ""));
    }
    case 2:
      if (remove) return {&model::upstreams(), id(number % 3), ""};
      return upstream(number % 3, fmt::format("u{}", number % 3));
    case 3:
      if (remove) return {&model::targets(), id(number), ""};
      return target(number, number % 3, fmt::format("10.0.0.{}:80", number));
    default:
      if (remove) return {&model::routes(), id(100 + number), ""};
      return route(100 + number, static_cast<int>(random() % 12),
                   random() % 12 == 0 ? "~/broken(" : fmt::format("/{}", random() % 12));
  }
}

TEST(Builder, ChangesLeadWhereAFreshBuildLeads) {
  std::minstd_rand random(7);
  Builder builder;
  builder.apply(batch({}, true));
  builder.build();
  // The last row of each, for the fresh builder: without broken ones, whose last good form it
  // cannot know.
  std::map<std::string, model::Change> rows;
  for (int step = 0; step < 400; ++step) {
    std::vector<model::Change> changes;
    for (unsigned n = 0; n <= random() % 3; ++n) {
      changes.push_back(random_change(random));
      const model::Change& change = changes.back();
      if (change.row.find("broken") != std::string::npos) continue;
      rows[change.entity->name + change.id] = change;
    }
    builder.apply(batch(changes));
    const auto snapshot = builder.build();
    std::vector<model::Change> all;
    for (const auto& [label, change] : rows) {
      if (!change.row.empty()) all.push_back(change);
    }
    Builder fresh;
    fresh.apply(batch(all, true));
    if (builder.faults().empty()) {
      ASSERT_EQ(seen(*snapshot), seen(*fresh.build())) << "step " << step;
    }
  }
}

TEST(RouteTable, CopiesDoNotSeeLaterChanges) {
  RouteTable table;
  auto named = [](std::string name) {
    model::Route route;
    route.name = std::move(name);
    return RouteEntry{
        .route = std::make_shared<const model::Route>(route), .target = nullptr, .chain = nullptr};
  };
  table.set(300, named("a"));
  table.set(0, named("b"));
  const RouteTable copy = table;
  table.set(300, named("c"));
  table.set(301, named("d"));
  EXPECT_EQ(copy[300].route->name, "a");
  EXPECT_EQ(copy.size(), 301u);
  EXPECT_EQ(table[300].route->name, "c");
  EXPECT_EQ(table[0].route, copy[0].route);
  EXPECT_EQ(table[1].route, nullptr);
}

TEST(Builder, HostHeaderNamesUnusualPorts) {
  Builder builder;
  auto header = [&](std::string_view more) {
    builder.apply(batch({service(1, more), route(1, 1, "/a")}, true));
    return entry(*builder.build(), "r1").target->host_header;
  };
  EXPECT_EQ(header(R"(,"host":"a.test")"), "a.test");
  EXPECT_EQ(header(R"(,"host":"a.test","port":8080)"), "a.test:8080");
  EXPECT_EQ(header(R"(,"host":"a.test","port":443,"protocol":"https")"), "a.test");
  EXPECT_EQ(header(R"(,"host":"a.test","port":80,"protocol":"https")"), "a.test:80");
  EXPECT_EQ(header(R"(,"host":"::1","port":81)"), "[::1]:81");
}

TEST(Publisher, TellsEverySubscriber) {
  Publisher publisher;
  std::vector<uint64_t> seen;
  auto subscriber = [&](const std::shared_ptr<const Snapshot>& s) {
    seen.push_back(s->version);
    return true;
  };
  publisher.subscribe(subscriber);
  Builder builder;
  publisher.publish(builder.build());
  publisher.subscribe(subscriber);
  EXPECT_EQ(seen, (std::vector<uint64_t>{1, 1}));
  publisher.publish(builder.build());
  EXPECT_EQ(seen, (std::vector<uint64_t>{1, 1, 2, 2}));
  EXPECT_EQ(publisher.current()->version, 2u);

  // One that says that it is gone is asked no more.
  size_t calls = 0;
  publisher.subscribe([&](const std::shared_ptr<const Snapshot>&) { return ++calls < 2; });
  EXPECT_EQ(publisher.subscribers(), 3u);
  publisher.publish(builder.build());
  EXPECT_EQ(publisher.subscribers(), 2u);
  publisher.publish(builder.build());
  EXPECT_EQ(calls, 2u);
}

TEST(Publisher, FreesFormerSnapshotsWhenAsked) {
  Publisher publisher;
  Builder builder;
  publisher.publish(builder.build());
  auto worker = publisher.current();
  std::weak_ptr<const Snapshot> first = worker;
  publisher.publish(builder.build());
  EXPECT_TRUE(publisher.sweep());
  worker.reset();
  EXPECT_FALSE(first.expired());  // the worker was not the one to free it
  EXPECT_FALSE(publisher.sweep());
  EXPECT_TRUE(first.expired());
  EXPECT_NE(publisher.current(), nullptr);
}

}  // namespace
}  // namespace sallyport::runtime
