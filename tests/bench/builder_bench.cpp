// bench: runtime
// What a change costs on the feed's thread: taking a row over and building the next snapshot,
// beside reading everything as after a new session.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/json.h"
#include "model/schemas.h"
#include "runtime/builder.h"

namespace sallyport::runtime {
namespace {

std::string id(int64_t number) {
  return fmt::format("00000000-0000-4000-8000-{:012}", number);
}

model::Change route(int64_t number, int version) {
  return {&model::routes(), id(number),
          fmt::format(R"({{"id":"{}","name":"r{}","service":{{"id":"{}"}},"protocols":["http",
          "https"],"methods":["GET","POST"],"hosts":["h{}.example.com"],"paths":["/p{}/{}"],
          "headers":null,"snis":null,"sources":null,"destinations":null,"regex_priority":0,
          "created_at":{},"https_redirect_status_code":426,"path_handling":"v0","strip_path":true,
          "preserve_host":false,"request_buffering":true,"response_buffering":true}})",
                      id(number), number, id(0), number % 100, number, version, number)};
}

model::ChangeBatch everything(int64_t routes) {
  model::ChangeBatch batch;
  batch.complete = true;
  batch.changes.push_back(
      {&model::services(), id(0),
       fmt::format(R"({{"id":"{}","name":"s","protocol":"http","host":"h","port":80,"path":null,
       "retries":5,"connect_timeout":1,"write_timeout":1,"read_timeout":1,"enabled":true}})",
                   id(0))});
  for (int64_t i = 1; i <= routes; ++i) batch.changes.push_back(route(i, 0));
  return batch;
}

void load_everything(benchmark::State& state) {
  model::ChangeBatch batch = everything(state.range(0));
  for (auto _ : state) {
    Builder builder;
    builder.apply(batch);
    benchmark::DoNotOptimize(builder.build());
  }
}

void change_one_route(benchmark::State& state) {
  Builder builder;
  builder.apply(everything(state.range(0)));
  int version = 0;
  for (auto _ : state) {
    model::ChangeBatch batch;
    batch.changes.push_back(route(1, ++version));
    builder.apply(batch);
    benchmark::DoNotOptimize(builder.build());
  }
}

// What whoever lets go of a former snapshot last pays: after a change of one route, and after so
// many that the router's bulk was built anew.
void free_former(benchmark::State& state) {
  const int64_t changed = state.range(1);
  Builder builder;
  builder.apply(everything(state.range(0)));
  auto former = builder.build();
  int version = 0;
  for (auto _ : state) {
    state.PauseTiming();
    model::ChangeBatch batch;
    ++version;
    for (int64_t i = 1; i <= changed; ++i) batch.changes.push_back(route(i, version));
    builder.apply(batch);
    auto next = builder.build();
    state.ResumeTiming();
    former.reset();
    state.PauseTiming();
    former = std::move(next);
    state.ResumeTiming();
  }
}

BENCHMARK(load_everything)->Arg(100)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);
BENCHMARK(change_one_route)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10000)
    ->Arg(100000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(free_former)->Args({100000, 1})->Args({100000, 4000})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sallyport::runtime
