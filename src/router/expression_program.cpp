#include "router/expression_program.h"

#include <algorithm>
#include <ranges>

#include "router/expression_value.h"

namespace sallyport::router {
namespace {

bool is_about_path(const Predicate& predicate) {
  return predicate.field.kind == FieldKind::path &&
         (predicate.op == Operator::equal || predicate.op == Operator::starts_with ||
          predicate.op == Operator::matches);
}

// A match in the middle of the path is no prefix that could be stripped.
void show_path(const Predicate& predicate, const MatchInput& input, Match& out) {
  out.matched_path = {};
  out.capture_count = 0;
  out.regex = false;
  if (const auto* prefix = std::get_if<std::string>(&predicate.constant)) {
    out.matched_path = input.path.substr(0, prefix->size());
    return;
  }
  // A second time, for the spans hold only until the next match.
  const Pattern& pattern = *std::get<std::shared_ptr<const Pattern>>(predicate.constant);
  const Pattern::Spans spans = pattern.match(input.path);
  if (!spans.matched()) return;  // lower() has changed what it is asked about
  out.regex = true;
  if (spans.begin(0) == 0) out.matched_path = input.path.substr(0, spans.end(0));
  take_captures(pattern, spans, input.path, out);
}

}  // namespace

ExpressionProgram::ExpressionProgram(const ExpressionNode& root)
    : entry_(emit(root, kTrue, kFalse, true)) {}

// From the end: where a part goes on is known before it is written.
uint32_t ExpressionProgram::emit(const ExpressionNode& node, uint32_t if_true, uint32_t if_false,
                                 bool positive) {
  switch (node.kind) {
    case ExpressionNode::Kind::predicate:
      steps_.push_back({.predicate = node.predicate,
                        .if_true = if_true,
                        .if_false = if_false,
                        .shows_path = positive && is_about_path(node.predicate)});
      return static_cast<uint32_t>(steps_.size() - 1);
    case ExpressionNode::Kind::negation:
      return emit(node.parts.front(), if_false, if_true, !positive);
    case ExpressionNode::Kind::both:
      for (const ExpressionNode& part : std::views::reverse(node.parts)) {
        if_true = emit(part, if_true, if_false, positive);
      }
      return if_true;
    case ExpressionNode::Kind::either:
      for (const ExpressionNode& part : std::views::reverse(node.parts)) {
        if_false = emit(part, if_true, if_false, positive);
      }
      return if_false;
  }
  return if_false;
}

bool ExpressionProgram::asks_endpoints() const {
  return std::ranges::any_of(
      steps_, [](const Step& step) { return step.predicate.field.kind >= FieldKind::source_ip; });
}

bool ExpressionProgram::matches(const MatchInput& input, std::string_view host, Match& out) const {
  const Predicate* shown = nullptr;
  uint32_t at = entry_;
  while (at < kFalse) {
    const Step& step = steps_[at];
    const bool holds = predicate_holds(step.predicate, input, host);
    if (holds && step.shows_path) shown = &step.predicate;
    at = holds ? step.if_true : step.if_false;
  }
  if (at == kFalse) return false;
  out.matched_path = {};
  out.regex = false;
  out.capture_count = 0;
  if (shown != nullptr) show_path(*shown, input, out);
  return true;
}

}  // namespace sallyport::router
