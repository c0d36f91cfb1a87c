// An expression ready to be asked. Its comparisons stand in one array; each knows which one comes
// next when it holds and when it does not, so that asking neither recurses nor looks at more than
// it must. Immutable; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "router/expression.h"
#include "router/router.h"

namespace sallyport::router {

class ExpressionProgram {
 public:
  explicit ExpressionProgram(const ExpressionNode& root);

  // Fills matched_path, regex and captures of `out` when the request fits: from the last comparison
  // with ^= or ~ on http.path that held, outside of !( ). `host` is in lower case.
  bool matches(const MatchInput& input, std::string_view host, Match& out) const;

  bool asks_endpoints() const;

 private:
  static constexpr uint32_t kTrue = UINT32_MAX;
  static constexpr uint32_t kFalse = UINT32_MAX - 1;
  struct Step {
    Predicate predicate;
    uint32_t if_true = kTrue;
    uint32_t if_false = kFalse;
    bool shows_path = false;  // its match is what strip_path strips
  };

  uint32_t emit(const ExpressionNode& node, uint32_t if_true, uint32_t if_false, bool positive);

  std::vector<Step> steps_;  // the last comes first
  uint32_t entry_ = 0;
};

}  // namespace sallyport::router
