// A compiled regular expression (PCRE2 with JIT and a match limit). Immutable, shared by all
// workers; what a match needs besides lives per thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

struct pcre2_real_code_8;

namespace sallyport::router {

// A match that takes more steps (fewer on long subjects and with lookaround or back references,
// whose steps are longer) or is asked about a longer subject ends undecided: such input was made
// for it. Where a match may begin anywhere, PCRE2 counts the steps anew at each place, so that the
// clock is looked at as well. Measured with PCRE2 10.42 and JIT: router_bench, hostile_regex.
inline constexpr size_t kMatchLimit = 20000;
inline constexpr size_t kMatchLimitBytes = 12'000'000;  // steps times size of the subject
inline constexpr size_t kSearchLimitBytes = 4'000'000;  // the same where the clock is looked at
inline constexpr size_t kLongestSubject = 8192;
inline constexpr size_t kTimedSubject = 64;  // from this size on
inline constexpr size_t kPlacesPerLook = 8;
inline constexpr int64_t kTimeLimitNs = 2'000'000;

int64_t steady_nanoseconds();
// What this thread has used of a processor.
int64_t used_nanoseconds();

class Pattern {
 public:
  struct Group {
    std::string name;  // "" when it has none
    uint32_t number = 0;
  };

  enum class Kind : uint8_t {
    path,          // anchored at the start, case matters
    header_value,  // found anywhere, case does not matter
    expression,    // found anywhere, case matters
  };

  // Error "router.regex" with PCRE2's words and the offset.
  static Result<std::shared_ptr<const Pattern>> compile(std::string_view text, Kind kind);

  // Where one match and its groups lie in the subject; valid until the thread's next match. An
  // unset group has begin == end == npos.
  class Spans {
   public:
    Spans(const size_t* pairs, uint32_t count) : pairs_(pairs), count_(count) {}
    size_t begin(uint32_t group) const { return group < count_ ? pairs_[size_t{2} * group] : npos; }
    size_t end(uint32_t group) const {
      return group < count_ ? pairs_[size_t{2} * group + 1] : npos;
    }
    bool matched() const { return count_ != 0; }
    static constexpr size_t npos = static_cast<size_t>(-1);

   private:
    const size_t* pairs_;
    uint32_t count_;
  };

  // An undecided match counts as none, and in gave_up(). `now`: another clock, for tests.
  using Now = int64_t (*)();
  Spans match(std::string_view subject, Now now = steady_nanoseconds) const;

  // How many matches on this thread have ended undecided.
  static uint64_t gave_up();

  const std::vector<Group>& groups() const { return groups_; }  // by number

  // The literal text that every subject of a match begins with; "" when that is not known.
  const std::string& literal_prefix() const { return literal_prefix_; }

 private:
  struct FreeCode {
    void operator()(pcre2_real_code_8* code) const;
  };

  // In steps of some places each, to look at the clock in between.
  int search(std::string_view subject, Now now) const;

  std::unique_ptr<pcre2_real_code_8, FreeCode> code_;
  std::vector<Group> groups_;
  std::string literal_prefix_;
  size_t step_weight_ = 1;
  bool anchored_ = true;
};

// The patterns of one router by text, so that each is compiled once, and taken over by the router
// that follows: compiling costs some 10 us, building everything else for a route under 1 us.
class PatternCache {
 public:
  // Looks into `previous`, which may be null, before it compiles.
  explicit PatternCache(const PatternCache* previous = nullptr) : previous_(previous) {}

  Result<std::shared_ptr<const Pattern>> get(std::string_view text, Pattern::Kind kind);

  // To be called before `previous` goes away.
  void forget_previous() { previous_ = nullptr; }

 private:
  using Map = std::unordered_map<std::string, std::shared_ptr<const Pattern>>;
  const PatternCache* previous_;
  Map by_kind_[3];
};

// What a pattern begins with for certain, in front of its first metacharacter; "" when alternatives
// outside of parentheses may begin in different ways.
std::string literal_prefix_of(std::string_view pattern);

}  // namespace sallyport::router
