// bench: router
// What a match costs among N routes of mixed kinds, what building the router costs, and what
// hostile regular expressions do. Goals at 100,000 routes: 1 us for the median match, 300 ms for a
// build; 10 ms for the worst regular expression. Last argument: 0 traditional_compatible, 1
// traditional, 2 expressions.
#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "router/pattern.h"
#include "router/router.h"
#include "router/test_attacks.h"

namespace {

using sallyport::model::Protocol;
using sallyport::model::Route;
using sallyport::router::Flavor;
using sallyport::router::Match;
using sallyport::router::MatchInput;
using sallyport::router::Router;

struct Question {
  std::string host = "www.example.com";
  std::string path = "/";
  std::string method = "GET";
  std::vector<sallyport::http::Header> headers{{.name = "User-Agent", .value = "curl/8.5.0"},
                                               {.name = "Accept", .value = "*/*"}};
  std::string tenant;
};

struct Table {
  std::vector<std::shared_ptr<const Route>> routes;
  std::vector<Question> questions;
};

std::string number(size_t n) {
  return std::to_string(n);
}

// The same route in the language of expressions. Its traditional priority is not worked out: those
// with more kinds of attribute go first.
void write_as_expression(Route& route) {
  std::string all;
  int64_t kinds = 0;
  auto add = [&](const auto& list, auto&& part) {
    std::string either;
    for (const std::string& one : list) either += (either.empty() ? "" : " || ") + part(one);
    if (either.empty()) return;
    all += (all.empty() ? "(" : " && (") + either + ")";
    ++kinds;
  };
  auto quoted = [](std::string_view text) { return "r#\"" + std::string(text) + "\"#"; };
  add(route.methods, [&](const auto& m) { return "http.method == " + quoted(m); });
  add(route.hosts, [&](const auto& h) {
    return h.starts_with('*') ? "http.host =^ " + quoted(h.substr(1)) : "http.host == " + quoted(h);
  });
  add(route.paths, [&](const auto& p) {
    return p.starts_with('~') ? "http.path ~ " + quoted("^" + p.substr(1))
                              : "http.path ^= " + quoted(p);
  });
  for (const auto& [name, values] : route.headers) {
    add(values, [&](const auto& v) { return "http.headers.x_tenant == " + quoted(v); });
  }
  route.expression = all;
  route.priority = kinds;
  route.methods = route.hosts = route.paths = {};
  route.headers.clear();
}

// One route in ten each: seven by host and path (one of them for some methods, two with few hosts
// that have many paths), and by wildcard, by regex under a host, by header; paths alone besides.
Table make_table(size_t count, Flavor flavor = Flavor::traditional_compatible) {
  Table table;
  std::mt19937 random(5);
  for (size_t i = 0; i < count; ++i) {
    Route route;
    Question q;
    route.id = number(i);
    route.protocols = {Protocol::http, Protocol::https};
    route.created_at = static_cast<int64_t>(i / 10);
    std::string own_host = "svc-" + number(i / 40) + ".example.com";
    switch (i % 10) {
      case 0:
      case 1:
      case 2:
        route.hosts = {own_host, "alt-" + own_host};
        route.paths = {"/api/v" + number(i % 3) + "/resource-" + number(i)};
        q.host = own_host;
        q.path = route.paths[0] + "/items/42";
        break;
      case 3:
        route.hosts = {own_host};
        route.methods = {"POST", "PUT"};
        route.paths = {"/api"};
        q.host = own_host;
        q.method = "POST";
        q.path = "/api/v7/orders";
        break;
      case 4:
        route.hosts = {"shared-" + number(i % 7) + ".example.org"};
        route.paths = {"/team-" + number(i) + "/app"};
        q.host = route.hosts[0];
        q.path = route.paths[0] + "/index.html";
        break;
      case 5:
      case 6:
        route.paths = {"/public/" + number(i * 7919 % count) + "/" + std::string(i % 23, 'x')};
        q.path = route.paths[0] + "/some/file.json";
        break;
      case 7:
        route.hosts = {"*.zone-" + number(i / 30) + ".example.net"};
        route.paths = {"/w/" + number(i)};
        q.host = "a.b.zone-" + number(i / 30) + ".example.net";
        q.path = route.paths[0] + "/page";
        break;
      case 8:
        route.hosts = {own_host};
        route.paths = {"~/users-" + number(i) + "/(?<user>\\d+)/orders$"};
        q.host = own_host;
        q.path = "/users-" + number(i) + "/12345/orders";
        break;
      default:
        route.paths = {"/tenants"};
        route.headers = {{"x-tenant", {"tenant-" + number(i)}}};
        q.path = "/tenants/current";
        q.tenant = "tenant-" + number(i);
        break;
    }
    if (flavor == Flavor::expressions) write_as_expression(route);
    table.routes.push_back(std::make_shared<const Route>(std::move(route)));
    if (i % (1 + count / 20000) == 0) table.questions.push_back(std::move(q));
  }
  std::ranges::shuffle(table.questions, random);
  for (Question& q : table.questions) {
    if (!q.tenant.empty()) q.headers.push_back({.name = "X-Tenant", .value = q.tenant});
  }
  return table;
}

bool ask(const Router& router, const Question& q, Match& match) {
  return router.match({.method = q.method,
                       .host = q.host,
                       .port = 80,
                       .path = q.path,
                       .headers = q.headers,
                       .sni = {},
                       .protocol = Protocol::http},
                      match);
}

double percentile(std::vector<double>& values, double part) {
  auto at = values.begin() + static_cast<std::ptrdiff_t>(part * double(values.size() - 1));
  std::ranges::nth_element(values, at);
  return *at;
}

// Every question alone, in random order over all routes, so that little of the index is in the
// processor's caches; the question itself is, as a request just read would be. The clock's own cost
// is taken off.
void time_each(benchmark::State& state, const Router& router, const Table& table) {
  using Clock = std::chrono::steady_clock;
  auto nanoseconds = [](Clock::duration d) {
    return std::chrono::duration<double, std::nano>(d).count();
  };
  std::vector<double> times, empty;
  Match found;
  for (const Question& q : table.questions) {
    Question near = q;
    near.headers.back().value = near.tenant.empty() ? near.headers.back().value : near.tenant;
    auto begin = Clock::now();
    auto middle = Clock::now();
    ask(router, near, found);
    auto end = Clock::now();
    empty.push_back(nanoseconds(middle - begin));
    times.push_back(nanoseconds(end - middle));
  }
  double clock = percentile(empty, 0.5);
  state.counters["p50_ns"] = percentile(times, 0.5) - clock;
  state.counters["p99_ns"] = percentile(times, 0.99) - clock;
}

Flavor flavor_of(const benchmark::State& state) {
  return static_cast<Flavor>(state.range(1));
}

// The loop itself asks 1000 questions over and over.
void match(benchmark::State& state) {
  Table table = make_table(static_cast<size_t>(state.range(0)), flavor_of(state));
  Router router = Router::build(table.routes, nullptr, nullptr, flavor_of(state));
  Match found;
  for (const Question& q : table.questions) {
    if (!ask(router, q, found)) state.SkipWithError("a route is not found");
  }
  time_each(state, router, table);
  size_t count = std::min<size_t>(1000, table.questions.size());
  size_t next = 0;
  for (auto _ : state) {
    ask(router, table.questions[next], found);
    benchmark::DoNotOptimize(found.route);
    if (++next == count) next = 0;
  }
}
BENCHMARK(match)->Args({10, 0})->Args({1000, 0})->ArgsProduct({{100000}, {0, 1, 2}});

void build(benchmark::State& state) {
  Table table = make_table(static_cast<size_t>(state.range(0)), flavor_of(state));
  for (auto _ : state) {
    Router router = Router::build(table.routes, nullptr, nullptr, flavor_of(state));
    benchmark::DoNotOptimize(router);
    state.PauseTiming();
    router = Router();
    state.ResumeTiming();
  }
}
BENCHMARK(build)
    ->Args({1000, 0})
    ->ArgsProduct({{100000}, {0, 1, 2}})
    ->Unit(benchmark::kMillisecond);

// All routes are other ones, with the same regular expressions.
void rebuild(benchmark::State& state) {
  Table table = make_table(static_cast<size_t>(state.range(0)));
  Router previous = Router::build(table.routes, nullptr);
  const Table other = make_table(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    Router router = Router::build(other.routes, nullptr, &previous);
    benchmark::DoNotOptimize(router);
  }
}
BENCHMARK(rebuild)->Arg(100000)->Unit(benchmark::kMillisecond);

// One route among the others is another one each time; what is not measured is put back.
void change_one(benchmark::State& state) {
  Table table = make_table(static_cast<size_t>(state.range(0)));
  std::ranges::sort(table.routes, {}, [](const auto& route) { return route->id; });
  const Router previous = Router::build(table.routes, nullptr);
  size_t at = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto& slot = table.routes[at = (at + 7919) % table.routes.size()];
    const auto kept = slot;
    slot = std::make_shared<const Route>(*kept);
    state.ResumeTiming();
    Router router = Router::build(table.routes, nullptr, &previous);
    benchmark::DoNotOptimize(router);
    state.PauseTiming();
    slot = kept;
    router = Router();
    state.ResumeTiming();
  }
}
BENCHMARK(change_one)->Arg(100000)->Unit(benchmark::kMillisecond);

// What a match costs while a thousand routes stand beside the bulk.
void match_beside(benchmark::State& state) {
  Table table = make_table(static_cast<size_t>(state.range(0)));
  std::ranges::sort(table.routes, {}, [](const auto& route) { return route->id; });
  const Router previous = Router::build(table.routes, nullptr);
  for (size_t i = 0; i < 700; ++i) {
    auto& slot = table.routes[i * 131 % table.routes.size()];
    slot = std::make_shared<const Route>(*slot);
  }
  const Router router = Router::build(table.routes, nullptr, &previous);
  time_each(state, router, table);
  Match found;
  size_t next = 0;
  for (auto _ : state) {
    ask(router, table.questions[next], found);
    benchmark::DoNotOptimize(found.route);
    if (++next == 1000) next = 0;
  }
}
BENCHMARK(match_beside)->Arg(100000);

// The most of a processor's time that one pattern and one subject have cost, of all that tests/
// knows.
void hostile_regex(benchmark::State& state) {
  using sallyport::router::Pattern;
  double worst = 0;
  for (auto _ : state) {
    for (const auto kind :
         {Pattern::Kind::path, Pattern::Kind::header_value, Pattern::Kind::expression}) {
      for (const auto& attack : sallyport::router::test::attacks()) {
        const auto pattern = *Pattern::compile(attack.pattern, kind);
        double best = 1e9;
        for (int n = 0; n < 5; ++n) {
          const int64_t begin = sallyport::router::used_nanoseconds();
          benchmark::DoNotOptimize(pattern->match(attack.subject));
          const int64_t used = sallyport::router::used_nanoseconds() - begin;
          best = std::min(best, static_cast<double>(used) / 1e6);
        }
        worst = std::max(worst, best);
      }
    }
  }
  state.counters["worst_ms"] = worst;
}
BENCHMARK(hostile_regex)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
