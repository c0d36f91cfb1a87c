#include "admin/answer.h"

#include "base/json.h"

namespace sallyport::admin {

Answer json_answer(int status, const Json& body) {
  return {.status = status, .body = to_text(body)};
}

Answer message_answer(int status, std::string_view message) {
  return json_answer(status, Json{{"message", message}});
}

Answer no_content() {
  return {.status = 204};
}
Answer not_found() {
  return message_answer(404, "Not found");
}
Answer method_not_allowed() {
  return message_answer(405, "Method not allowed");
}

}  // namespace sallyport::admin
