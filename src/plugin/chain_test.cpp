#include "plugin/chain.h"

#include <gtest/gtest.h>

#include "plugin/query.h"

namespace sallyport::plugin {
namespace {

class Nothing final : public Plugin {
 public:
  Phases phases() const override { return {.access = true}; }
};

ConfiguredPtr configured(std::string id, std::string name, int priority, std::string route,
                         std::string service, std::string consumer) {
  auto row = std::make_shared<model::PluginRow>();
  row->id = std::move(id);
  row->name = std::move(name);
  row->route_id = std::move(route);
  row->service_id = std::move(service);
  row->consumer_id = std::move(consumer);
  row->http = true;
  return std::make_shared<Configured>(Configured{row, std::make_shared<Nothing>(), priority});
}

// The ids that run, in order.
std::string runs(const Chain& chain, std::string_view consumer, bool https = false) {
  std::string out;
  for (const Chain::Slot& slot : chain.slots()) {
    if (const Configured* chosen = slot.choose(consumer, https)) out += chosen->row->id + ' ';
  }
  return out;
}

TEST(Chain, TheMostSpecificWins) {
  // From the most general to the most specific: each beats those before it.
  const std::vector<ConfiguredPtr> all = {
      configured("global", "x", 1, "", "", ""), configured("service", "x", 1, "", "s", ""),
      configured("route", "x", 1, "r", "", ""), configured("consumer", "x", 1, "", "", "c"),
      configured("both", "x", 1, "r", "s", ""), configured("s+c", "x", 1, "", "s", "c"),
      configured("r+c", "x", 1, "r", "", "c"),  configured("all", "x", 1, "r", "s", "c"),
  };
  for (size_t count = 1; count <= all.size(); ++count) {
    const auto chain = Chain::build(std::span(all).first(count), "r", "s");
    EXPECT_EQ(runs(*chain, "c"), all[count - 1]->row->id + ' ');
  }
  const auto chain = Chain::build(all, "r", "s");
  EXPECT_EQ(runs(*chain, ""), "both ");
  EXPECT_EQ(runs(*chain, "other"), "both ");
  EXPECT_EQ(runs(*Chain::build(all, "r2", "s2"), ""), "global ");
  EXPECT_EQ(runs(*Chain::build(all, "r2", "s2"), "c"), "consumer ");
}

TEST(Chain, OrderAndProtocols) {
  const std::vector<ConfiguredPtr> all = {
      configured("low", "a", 1, "", "", ""), configured("high", "b", 9, "", "", ""),
      configured("z", "z", 5, "", "", ""), configured("m", "m", 5, "", "", "")};
  const auto chain = Chain::build(all, "r", "s");
  EXPECT_EQ(runs(*chain, ""), "high m z low ");
  EXPECT_EQ(runs(*chain, "", true), "");
  EXPECT_EQ(Chain::build({}, "r", "s"), nullptr);
}

TEST(StandIn, RefusesUnlessItOnlyObserves) {
  EXPECT_EQ(stand_in("http-log"), nullptr);
  auto refusal = stand_in("jwt");
  ASSERT_NE(refusal, nullptr);
  Exchange exchange;
  Step step = refusal->access(exchange);
  ASSERT_TRUE(step.responds());
  EXPECT_EQ(step.response().status, 503);
  EXPECT_NE(step.response().body.find("jwt"), std::string::npos);
}

TEST(Query, WhatIsNotTouchedStays) {
  Query query("a=%41+b&c&a=2&=x&&d=%zz");
  EXPECT_EQ(query.text(), "a=%41+b&c&a=2&=x&&d=%zz");
  EXPECT_EQ(query.values("a"), (std::vector<std::string>{"A b", "2"}));
  EXPECT_TRUE(query.has("c"));
  query.rename("c", "e&");
  query.remove("a");
  query.set("d", "1 2");
  query.add("d", "3");
  EXPECT_EQ(query.text(), "e%26=&=x&&d=1%202&d=3");
  EXPECT_EQ(Query("").text(), "");
}

TEST(Fields, ChangesAreChecked) {
  const std::vector<http::Header> received = {{"A", "1"}, {"b", "2"}, {"a", "3"}};
  Fields fields(received);
  EXPECT_FALSE(fields.set("x", "a\r\nb: c"));
  EXPECT_FALSE(fields.add("x y", "1"));
  EXPECT_FALSE(fields.changed());
  EXPECT_EQ(fields.all("A").size(), 2u);
  fields.set("a", *fields.get("b"));
  EXPECT_EQ(*fields.get("A"), "2");
  EXPECT_EQ(fields.list().size(), 2u);
  fields.rename("b", "C");
  EXPECT_EQ(*fields.get("c"), "2");
}

}  // namespace
}  // namespace sallyport::plugin
