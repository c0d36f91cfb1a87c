// Patterns and subjects that were made to cost much, for tests and for router_bench.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sallyport::router::test {

inline std::string repeat(std::string_view what, size_t count) {
  std::string out;
  for (; count > 0; --count) out += what;
  return out;
}

struct Attack {
  std::string pattern;
  std::string subject;
};

// Places where nothing can begin, for a matcher to grow careless, before those that cost.
inline void add_ambushes(std::vector<Attack>& out) {
  const std::string looks = repeat("(?=.*b)", 40);
  for (const std::string& pattern :
       {std::string("(.*?)\\1\\1c[^d]"), std::string("(a*)(a*)c[^d]"), std::string("a*a*b[^c]"),
        std::string("(?:(?=.*b)a)*c[^d]"), "(?:" + looks + "a)*c[^d]",
        std::string("(?:(?:(?=.*b)){40}a)*c[^d]"), std::string("(?<q>a*)(?:\\k<q>)*c[^d]")}) {
    for (const size_t size : {60, 120, 200, 800, 1600, 3200, 8000}) {
      out.push_back({"(?!x)" + pattern, repeat("x", size / 4) + repeat("a", size * 3 / 4) + "bcd"});
    }
  }
}

inline std::vector<Attack> attacks() {
  const std::string a = repeat("a", 8000);
  std::vector<Attack> out = {{"(a+)+$", a + "!"},
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
  add_ambushes(out);
  return out;
}

}  // namespace sallyport::router::test
