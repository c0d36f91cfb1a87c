// What patterns and subjects that were made for it can cost.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>
#include <time.h>

#include "router/pattern.h"
#include "router/router.h"

namespace sallyport::router {
namespace {

double thread_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) * 1e3 + double(now.tv_nsec) / 1e6;
}

std::string repeat(std::string_view what, size_t count) {
  std::string out;
  for (; count > 0; --count) out += what;
  return out;
}

struct Attack {
  std::string_view pattern;
  std::string subject;
};

std::vector<Attack> attacks() {
  const std::string a = repeat("a", 8000);
  return {{"(a+)+$", a + "!"},
          {"(?:a|aa)+$", a + "!"},
          {"(x+x+)+y[^z]", repeat("x", 8000) + "yz"},
          {"(.*?,){11}P[^Q]", repeat("1,", 4000) + "PQ"},
          {".*.*.*x[^y]", a + "xy"},
          {"\\w+\\w+\\w+![^!]", a + "!!"},
          {"[a-z]*[a-z]*[a-z]*z[^q]", repeat("z", 8000) + "q"},
          {"a*a*a*a*a*a*b[^c]", a + "bc"},
          {"(a*)*\\1b[^c]", a + "bc"},
          {"(?:a?){50}a{50}b[^c]", a + "bc"},
          {"a{0,1000}a{0,1000}a{0,1000}b[^c]", a + "bc"},
          {"(?=(a+))a*b\\1c[^d]", a + "bcd"},
          {"(?<=a)a*a*a*b[^c]", a + "bc"},
          {"(?:(?=.*b)a)*c[^d]", a + "bcd"},
          {"((?:.*)(?:.*))*c[^d]", a + "bcd"},
          {"(.*)\\1\\1c[^d]", a + "cd"},
          {"(?:.*){20}x[^y]", a + "xy"},
          {"^(([a-z])+.)+[A-Z]([a-z])+$", a}};
}

TEST(HostilePattern, CostsAtMostTenMilliseconds) {
  for (const auto kind : {Pattern::Kind::path, Pattern::Kind::header_value}) {
    for (const Attack& attack : attacks()) {
      auto pattern = Pattern::compile(attack.pattern, kind);
      ASSERT_TRUE(pattern) << pattern.error().text();
      double best = 1e9;
      for (int n = 0; n < 5; ++n) {
        const double begin = thread_milliseconds();
        (*pattern)->match(attack.subject);
        best = std::min(best, thread_milliseconds() - begin);
      }
      EXPECT_LT(best, 10) << attack.pattern;
    }
  }
}

TEST(HostilePattern, LongSubjectsThatMatchAreFound) {
  const std::string path = repeat("/abcdef", 1000);
  auto segments = Pattern::compile("(/[a-z]+)+$", Pattern::Kind::path);
  EXPECT_TRUE((*segments)->match(path).matched());
  auto late = Pattern::compile("(?<=c)n(?<word>ee)dle$", Pattern::Kind::header_value);
  const std::string value = path + "/abcNEEDLE";
  auto spans = (*late)->match(value);
  ASSERT_TRUE(spans.matched());
  EXPECT_EQ(spans.begin(0), value.size() - 6);
  EXPECT_EQ(spans.begin(1), value.size() - 5);
  EXPECT_FALSE((*late)->match(path).matched());
}

// A public route must not get what a guarded one could not be asked about in time.
TEST(HostilePattern, UndecidedRequestsAreNotRouted) {
  model::Route guarded, open;
  guarded.protocols = open.protocols = {model::Protocol::http};
  guarded.paths = {"~/(?:a|aa)+$"};
  open.paths = {"/"};
  const Router router = Router::build(std::vector{std::make_shared<const model::Route>(guarded),
                                                  std::make_shared<const model::Route>(open)},
                                      nullptr);
  const std::string hostile = "/" + repeat("a", 8000) + "!";
  auto route_of = [&](const std::string& path) {
    MatchInput input;
    input.method = "GET";
    input.path = path;
    Match match;
    return router.match(input, match) ? static_cast<int>(match.route) : -1;
  };
  EXPECT_EQ(route_of(hostile), -1);
  EXPECT_EQ(route_of(hostile + repeat("!", 200)), -1);
  EXPECT_EQ(route_of("/aaa!"), 1);
}

}  // namespace
}  // namespace sallyport::router
