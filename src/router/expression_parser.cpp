#include "router/expression_parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "router/expression_constant.h"

namespace sallyport::router {
namespace {

struct Spelling {
  std::string_view text;
  Operator op;
};

constexpr std::array kSymbols = {
    Spelling{"==", Operator::equal},     Spelling{"!=", Operator::not_equal},
    Spelling{"~", Operator::matches},    Spelling{"^=", Operator::starts_with},
    Spelling{"=^", Operator::ends_with}, Spelling{">=", Operator::greater_or_equal},
    Spelling{">", Operator::greater},    Spelling{"<=", Operator::less_or_equal},
    Spelling{"<", Operator::less},
};

constexpr std::string_view kWhatMayCompare =
    "==, !=, ~, ^=, =^, >=, >, <=, <, in, not in, or contains";

}  // namespace

ExpressionParser::ExpressionParser(std::string_view text, Subsystem subsystem,
                                   PatternCache& patterns, ExpressionFault& fault)
    : text_(text), subsystem_(subsystem), patterns_(patterns), fault_(fault), lexer_(text) {}

bool ExpressionParser::refuse(size_t at, std::string reason) {
  fault_ = {.at = at, .reason = std::move(reason)};
  return false;
}

bool ExpressionParser::expected(std::string_view what) {
  if (token_.kind == Token::Kind::unclosed) {
    return refuse(token_.at, token_.source.starts_with('r')
                                 ? R"(this raw string has no end: expected "#)"
                                 : R"(this string has no end: expected ")");
  }
  if (token_.kind == Token::Kind::escape) {
    return refuse(token_.at, R"(expected \n, \r, \t, \\ or \" (or a raw string: r#"..."#))");
  }
  return refuse(token_.at, fmt::format("expected {}", what));
}

bool ExpressionParser::is_symbol(std::string_view symbol) const {
  return token_.kind == Token::Kind::symbol && token_.source == symbol;
}

bool ExpressionParser::is_word(std::string_view word) const {
  return token_.kind == Token::Kind::word && token_.source == word;
}

bool ExpressionParser::take_symbol(std::string_view symbol) {
  if (!is_symbol(symbol)) return false;
  advance();
  return true;
}

std::optional<ExpressionNode> ExpressionParser::parse() {
  if (text_.size() > kMaxExpression) {
    refuse(0, fmt::format("expected at most {} bytes", kMaxExpression));
    return std::nullopt;
  }
  advance();
  Node node = all();
  if (!node) return node;
  if (token_.kind != Token::Kind::end) {
    expected("&&, ||, or the end of the expression");
    return std::nullopt;
  }
  return node;
}

ExpressionParser::Node ExpressionParser::chain(std::string_view symbol, ExpressionNode::Kind kind,
                                               Part part) {
  Node first = (this->*part)();
  if (!first || !is_symbol(symbol)) return first;
  ExpressionNode out{.kind = kind};
  out.parts.reserve(2);
  out.parts.push_back(*std::move(first));
  while (take_symbol(symbol)) {
    Node next = (this->*part)();
    if (!next) return next;
    out.parts.push_back(*std::move(next));
  }
  return out;
}

ExpressionParser::Node ExpressionParser::all() {
  return chain("&&", ExpressionNode::Kind::both, &ExpressionParser::either);
}

ExpressionParser::Node ExpressionParser::either() {
  return chain("||", ExpressionNode::Kind::either, &ExpressionParser::term);
}

ExpressionParser::Node ExpressionParser::term() {
  if (take_symbol("(")) return group();
  if (!take_symbol("!")) return predicate();
  if (!take_symbol("(")) {
    expected("( after !");
    return std::nullopt;
  }
  Node inner = group();
  if (!inner) return inner;
  ExpressionNode out{.kind = ExpressionNode::Kind::negation};
  out.parts.push_back(*std::move(inner));
  return out;
}

ExpressionParser::Node ExpressionParser::group() {
  if (++depth_ > kMaxDepth) {
    refuse(token_.at, fmt::format("expected at most {} nested parentheses", kMaxDepth));
    return std::nullopt;
  }
  Node inner = all();
  if (!inner) return inner;
  --depth_;
  if (take_symbol(")")) return inner;
  expected("&&, ||, or )");
  return std::nullopt;
}

ExpressionParser::Node ExpressionParser::predicate() {
  ExpressionNode out{.kind = ExpressionNode::Kind::predicate};
  const size_t at = token_.at;
  if (!left_side(out.predicate)) return std::nullopt;
  const auto op = comparison();
  if (!op) return std::nullopt;
  out.predicate.op = *op;
  if (!right_side(out.predicate) || !fits(out.predicate, at)) return std::nullopt;
  return out;
}

bool ExpressionParser::left_side(Predicate& out) {
  if (is_word("lower") || is_word("any")) return function(out);
  return field(out);
}

bool ExpressionParser::function(Predicate& out) {
  (is_word("lower") ? out.lower : out.any) = true;
  if (++depth_ > kMaxDepth) return refuse(token_.at, "expected fewer functions");
  advance();
  if (!take_symbol("(")) return expected("( after a function");
  if (!left_side(out)) return false;
  if (!take_symbol(")")) return expected(") behind what a function is applied to");
  --depth_;
  return true;
}

bool ExpressionParser::field(Predicate& out) {
  if (token_.kind != Token::Kind::word) {
    return expected("a field such as http.path, lower(), any(), ( or !(");
  }
  auto found = parse_field(token_.source, subsystem_);
  if (!found) {
    return refuse(token_.at,
                  fmt::format("unknown field {}: expected net.protocol, tls.sni, net.src.ip, "
                              "net.src.port, net.dst.ip, net.dst.port{}",
                              token_.source,
                              subsystem_ == Subsystem::stream
                                  ? ""
                                  : ", http.method, http.host, http.path, http.path.segments.<n>, "
                                    "http.path.segments.<n>_<m>, http.path.segments.len, "
                                    "http.headers.<name> or http.queries.<name>"));
  }
  out.field = *std::move(found);
  advance();
  return true;
}

std::optional<Operator> ExpressionParser::comparison() {
  for (const Spelling& spelling : kSymbols) {
    if (take_symbol(spelling.text)) return spelling.op;
  }
  if (is_word("in")) {
    advance();
    return Operator::in;
  }
  if (is_word("contains")) {
    advance();
    return Operator::contains;
  }
  if (!is_word("not")) {
    expected(kWhatMayCompare);
    return std::nullopt;
  }
  advance();
  if (!is_word("in")) {
    expected("in after not");
    return std::nullopt;
  }
  advance();
  return Operator::not_in;
}

bool ExpressionParser::right_side(Predicate& out) {
  if (token_.kind == Token::Kind::text) return constant_of_text(out);
  if (token_.kind == Token::Kind::number) return constant_of_number(out);
  return expected("a string, an integer, an IP address or a range of them (10.0.0.0/8)");
}

bool ExpressionParser::constant_of_text(Predicate& out) {
  if (out.op == Operator::matches) {
    auto pattern = patterns_.get(token_.value, Pattern::Kind::expression);
    if (!pattern) return refuse(token_.at, pattern.error().detail);
    out.constant = *std::move(pattern);
  } else {
    out.constant = std::string(token_.value);
  }
  advance();
  return true;
}

bool ExpressionParser::constant_of_number(Predicate& out) {
  std::string reason;
  auto constant = number_constant(token_.source, reason);
  if (!constant) return refuse(token_.at, std::move(reason));
  out.constant = *std::move(constant);
  advance();
  return true;
}

bool ExpressionParser::fits(const Predicate& predicate, size_t at) {
  std::string reason = misfit(predicate);
  return reason.empty() || refuse(at, std::move(reason));
}

std::unique_ptr<const ExpressionNode> parse_expression(std::string_view text, Subsystem subsystem,
                                                       PatternCache& patterns,
                                                       ExpressionFault& fault) {
  auto node = ExpressionParser(text, subsystem, patterns, fault).parse();
  if (!node) return nullptr;
  return std::make_unique<const ExpressionNode>(*std::move(node));
}

std::string expression_error(std::string_view text, Subsystem subsystem) {
  PatternCache patterns;
  ExpressionFault fault;
  if (parse_expression(text, subsystem, patterns, fault)) return {};
  return fault.text(text);
}

std::string route_expression_fault(std::string_view expression, bool stream) {
  return expression_error(expression, stream ? Subsystem::stream : Subsystem::http);
}

std::string ExpressionFault::text(std::string_view expression) const {
  const std::string_view before = expression.substr(0, at);
  const size_t line = 1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t line_begin =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const size_t line_end = std::min(expression.find('\n', at), expression.size());
  const size_t column = at - line_begin;
  const std::string number = std::to_string(line);
  const std::string margin(number.size(), ' ');
  return fmt::format("{0}--> {1}:{2}\n{0} |\n{1} | {3}\n{0} | {4}^---\n{0} |\n{0} = {5}", margin,
                     number, column + 1, expression.substr(line_begin, line_end - line_begin),
                     std::string(column, ' '), reason);
}

}  // namespace sallyport::router
