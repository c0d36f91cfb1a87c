#include "model/route_language.h"

#include <atomic>

namespace sallyport::model {
namespace {

std::atomic<ExpressionCheck> chosen = nullptr;

}  // namespace

void let_routes_have_expressions(ExpressionCheck check) {
  chosen = check;
}

ExpressionCheck route_expression_check() {
  return chosen;
}

}  // namespace sallyport::model
