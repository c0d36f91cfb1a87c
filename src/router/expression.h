// A route's expression, parsed and ready to be asked: Kong's language of `router_flavor =
// expressions`. Immutable once parsed, shared by all workers. Its parts stand in one array in the
// order in which they are evaluated; each knows where to go on when it is true and when it is not,
// so that asking neither recurses nor allocates.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/ip_address.h"
#include "router/expression_field.h"
#include "router/pattern.h"

namespace sallyport::router {

enum class Operator : uint8_t {
  equal,
  not_equal,
  matches,
  starts_with,
  ends_with,
  contains,
  greater_or_equal,
  greater,
  less_or_equal,
  less,
  in,
  not_in,
};

using Constant =
    std::variant<std::string, int64_t, IpAddress, Cidr, std::shared_ptr<const Pattern>>;

struct Predicate {
  ExpressionField field;
  Operator op = Operator::equal;
  bool lower = false;  // of the field's value
  bool any = false;    // one of many values is enough; without it all must agree
  Constant constant;
};

// The expression as written, without its parentheses.
struct ExpressionNode {
  enum class Kind : uint8_t { predicate, both, either, negation };
  Kind kind = Kind::predicate;
  Predicate predicate{};
  std::vector<ExpressionNode> parts{};  // two or more; one of a negation
};

// How deep parentheses may be nested, and how long an expression may be.
inline constexpr size_t kMaxDepth = 100;
inline constexpr size_t kMaxExpression = size_t{64} << 10;

// Where and why a text is no expression.
struct ExpressionFault {
  size_t at = 0;  // offset
  std::string reason;

  // The place in the form that Kong's Admin API gives it: line and column, the line, a mark below,
  // the reason.
  std::string text(std::string_view expression) const;
};

// `||` binds tighter than `&&`, as in Kong: a && b || c is a && (b || c). `fault` is filled when
// the answer is null.
std::unique_ptr<const ExpressionNode> parse_expression(std::string_view text, Subsystem subsystem,
                                                       PatternCache& patterns,
                                                       ExpressionFault& fault);

// "" when `text` is an expression for the subsystem, else what is wrong, in Kong's form.
std::string expression_error(std::string_view text, Subsystem subsystem);

// The same as a model::ExpressionCheck.
std::string route_expression_fault(std::string_view expression, bool stream);

}  // namespace sallyport::router
