#define PCRE2_CODE_UNIT_WIDTH 8
#include "router/pattern.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <pcre2.h>
#include <time.h>

namespace sallyport::router {
namespace {

// Room for the groups of any pattern we accept, kept per thread: matching allocates nothing after a
// thread's first match.
constexpr uint32_t kMaxGroups = 100;

struct MatchState {
  pcre2_match_data* data = pcre2_match_data_create(kMaxGroups + 1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  // The 32 KB that JIT takes from the thread's stack do not do for "(/[a-z]+)+$" on a long path.
  pcre2_jit_stack* stack = pcre2_jit_stack_create(size_t{32} << 10, size_t{512} << 10, nullptr);

  MatchState() {
    if (context != nullptr && stack != nullptr) pcre2_jit_stack_assign(context, nullptr, stack);
  }
  uint64_t gave_up = 0;

  ~MatchState() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
  void limit(size_t steps) {
    pcre2_set_match_limit(context,
                          static_cast<uint32_t>(std::clamp<size_t>(steps, 1, kMatchLimit)));
  }
  MatchState(const MatchState&) = delete;
  MatchState& operator=(const MatchState&) = delete;
};

MatchState& match_state() {
  thread_local MatchState state;
  return state;
}

std::string message_of(int code) {
  std::array<char, 200> text{};
  pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(text.data()), text.size());
  return text.data();
}

// Whether '|' may stand outside of all parentheses. Quotations and character classes with brackets
// inside are not followed: they count as yes.
bool may_alternate(std::string_view pattern) {
  int depth = 0;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '\\') {
      if (pattern.substr(i).starts_with("\\Q")) return true;
      ++i;
    } else if (in_class) {
      if (c == '[') return true;
      if (c == ']') in_class = false;
    } else if (c == '[') {
      in_class = true;
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') ++i;
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') ++i;
    } else if (c == '(') {
      if (pattern.substr(i).starts_with("(*")) return true;
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (c == '|' && depth <= 0) {
      return true;
    }
  }
  return false;
}

// What a single step may do: look at all of the subject as often as the pattern says so. Repeated
// parts are copied when a pattern is compiled, so that its size tells.
size_t step_weight_of(std::string_view pattern, const pcre2_code* code) {
  bool looks = pattern.contains("(*");
  for (size_t i = 0; i + 2 < pattern.size() && !looks; ++i) {
    const std::string_view rest = pattern.substr(i);
    looks = rest.starts_with("(?=") || rest.starts_with("(?!") || rest.starts_with("(?<=") ||
            rest.starts_with("(?<!") || rest.starts_with("(?P=") ||
            (rest[0] == '\\' && std::string_view("123456789gk").contains(rest[1]));
  }
  size_t size = 0;
  pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size);
  return looks ? std::max<size_t>(2, size / 200) : 1;
}

std::vector<Pattern::Group> groups_of(const pcre2_code* code, uint32_t group_count) {
  std::vector<Pattern::Group> groups;
  for (uint32_t i = 1; i <= group_count; ++i) groups.push_back({.name = {}, .number = i});
  uint32_t count = 0;
  uint32_t entry_size = 0;
  PCRE2_SPTR table = nullptr;
  pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &count);
  pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
  pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, static_cast<void*>(&table));
  for (uint32_t i = 0; i < count; ++i, table += entry_size) {
    // Two bytes of group number, then the name with its NUL.
    const uint32_t number = (uint32_t{table[0]} << 8) | table[1];
    groups.at(number - 1).name = reinterpret_cast<const char*>(table + 2);
  }
  return groups;
}

}  // namespace

int64_t steady_nanoseconds() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

int64_t used_nanoseconds() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

void Pattern::FreeCode::operator()(pcre2_real_code_8* code) const {
  pcre2_code_free(code);
}

std::string literal_prefix_of(std::string_view pattern) {
  if (may_alternate(pattern)) return {};
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (std::string_view("^$.[]()*+?{}").find(c) != std::string_view::npos) {
      // A quantifier that allows none takes back the character before it.
      if ((c == '*' || c == '?' || c == '{') && !out.empty()) out.pop_back();
      break;
    }
    if (c == '\\') {
      if (i + 1 == pattern.size()) break;
      char next = pattern[i + 1];
      if ((next >= '0' && next <= '9') || (next >= 'a' && next <= 'z') ||
          (next >= 'A' && next <= 'Z')) {
        break;
      }
      c = next;
      ++i;
    }
    out += c;
  }
  return out;
}

Result<std::shared_ptr<const Pattern>> Pattern::compile(std::string_view text, Kind kind) {
  uint32_t options = PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY;
  options |= kind == Kind::path ? PCRE2_ANCHORED : PCRE2_USE_OFFSET_LIMIT;
  if (kind == Kind::header_value) options |= PCRE2_CASELESS;
  int code = 0;
  PCRE2_SIZE offset = 0;
  auto pattern = std::make_shared<Pattern>();
  pattern->code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                     options, &code, &offset, nullptr));
  if (!pattern->code_) {
    return fail("router.regex", Side::config,
                "the regular expression " + std::string(text) + " is broken at offset " +
                    std::to_string(offset) + ": " + message_of(code));
  }
  uint32_t groups = 0;
  pcre2_pattern_info(pattern->code_.get(), PCRE2_INFO_CAPTURECOUNT, &groups);
  if (groups > kMaxGroups) {
    return fail("router.regex", Side::config,
                "the regular expression " + std::string(text) + " has more than " +
                    std::to_string(kMaxGroups) + " groups");
  }
  // Without JIT (it can be compiled out of PCRE2) the interpreter does the same more slowly.
  pcre2_jit_compile(pattern->code_.get(), PCRE2_JIT_COMPLETE);
  pattern->step_weight_ = step_weight_of(text, pattern->code_.get());
  pattern->anchored_ = kind == Kind::path;
  pattern->groups_ = groups_of(pattern->code_.get(), groups);
  if (kind == Kind::path) pattern->literal_prefix_ = literal_prefix_of(text);
  if (kind == Kind::expression && text.starts_with('^')) {
    pattern->literal_prefix_ = literal_prefix_of(text.substr(1));
  }
  return pattern;
}

Result<std::shared_ptr<const Pattern>> PatternCache::get(std::string_view text,
                                                         Pattern::Kind kind) {
  auto index = static_cast<size_t>(kind);
  std::string key(text);
  if (auto known = by_kind_[index].find(key); known != by_kind_[index].end()) return known->second;
  std::shared_ptr<const Pattern> pattern;
  if (previous_ != nullptr) {
    const Map& map = previous_->by_kind_[index];
    if (auto known = map.find(key); known != map.end()) pattern = known->second;
  }
  if (pattern == nullptr) {
    auto compiled = Pattern::compile(text, kind);
    if (!compiled) return compiled;
    pattern = *std::move(compiled);
  }
  by_kind_[index].emplace(std::move(key), pattern);
  return pattern;
}

// A place may be cheap and the next one cost all that the limits allow, so that no more of them are
// tried between two looks at the clock than fit into what is left of 10 ms.
int Pattern::search(std::string_view subject, Now now) const {
  MatchState& state = match_state();
  int64_t deadline = now() + kTimeLimitNs;
  for (size_t at = 0; at <= subject.size(); at += kPlacesPerLook) {
    pcre2_set_offset_limit(state.context, at + kPlacesPerLook - 1);
    const int result =
        pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), at,
                    PCRE2_NO_UTF_CHECK, state.data, state.context);
    if (result != PCRE2_ERROR_NOMATCH) return result;
    if (now() <= deadline) continue;
    if (now != steady_nanoseconds) return PCRE2_ERROR_MATCHLIMIT;
    // On a busy machine the thread may not have run: an honest request must not fail for that. It
    // gets the same time once more, and only what it uses counts; this clock is a system call.
    now = used_nanoseconds;
    deadline = now() + kTimeLimitNs;
  }
  return PCRE2_ERROR_NOMATCH;
}

Pattern::Spans Pattern::match(std::string_view subject, Now now) const {
  MatchState& state = match_state();
  if (state.data == nullptr || state.context == nullptr || subject.size() > kLongestSubject) {
    ++state.gave_up;
    return {nullptr, 0};
  }
  const size_t work = std::max<size_t>(1, subject.size()) * step_weight_;
  int result = 0;
  if (anchored_ || subject.size() < kTimedSubject) {
    state.limit(kMatchLimitBytes / work);
    result = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(),
                         0, PCRE2_NO_UTF_CHECK, state.data, state.context);
  } else {
    state.limit(kSearchLimitBytes / work);
    result = search(subject, now);
    pcre2_set_offset_limit(state.context, PCRE2_UNSET);
  }
  if (result <= 0) {
    if (result != PCRE2_ERROR_NOMATCH) ++state.gave_up;
    return {nullptr, 0};
  }
  const size_t* pairs = pcre2_get_ovector_pointer(state.data);
  return {pairs, static_cast<uint32_t>(result)};
}

uint64_t Pattern::gave_up() {
  return match_state().gave_up;
}

}  // namespace sallyport::router
