// Reads an expression by recursive descent; see expression.h for the language. On the control
// thread and the Admin API's, one instance per text.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "router/expression.h"
#include "router/expression_lexer.h"

namespace sallyport::router {

class ExpressionParser {
 public:
  ExpressionParser(std::string_view text, Subsystem subsystem, PatternCache& patterns,
                   ExpressionFault& fault);

  std::optional<ExpressionNode> parse();

 private:
  using Node = std::optional<ExpressionNode>;
  using Part = Node (ExpressionParser::*)();

  Node chain(std::string_view symbol, ExpressionNode::Kind kind, Part part);
  Node all();     // either && either ...
  Node either();  // term || term ...
  Node term();    // ( all ), !( all ), predicate
  Node group();   // all )
  Node predicate();
  bool left_side(Predicate& out);
  bool function(Predicate& out);
  bool field(Predicate& out);
  std::optional<Operator> comparison();
  bool right_side(Predicate& out);
  bool constant_of_text(Predicate& out);
  bool constant_of_number(Predicate& out);
  bool fits(const Predicate& predicate, size_t at);

  void advance() { token_ = lexer_.next(); }
  bool is_symbol(std::string_view symbol) const;
  bool is_word(std::string_view word) const;
  bool take_symbol(std::string_view symbol);
  // Always false, so that it can be returned.
  bool refuse(size_t at, std::string reason);
  bool expected(std::string_view what);

  std::string_view text_;
  Subsystem subsystem_;
  PatternCache& patterns_;
  ExpressionFault& fault_;
  ExpressionLexer lexer_;
  Token token_;
  size_t depth_ = 0;
};

}  // namespace sallyport::router
