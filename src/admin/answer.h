// What a handler of the Admin API answers, before the headers that every answer has (headers.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_fwd.h"

namespace sallyport::admin {

struct Answer {
  int status = 200;
  std::string body = {};  // JSON text; "" for none
  std::vector<std::pair<std::string, std::string>> headers = {};
  // The database has what was asked for, and this node's data plane does not yet.
  bool early = false;
};

Answer json_answer(int status, const Json& body);
Answer message_answer(int status, std::string_view message);  // {"message": "..."}
Answer no_content();
Answer not_found();           // 404 {"message":"Not found"}
Answer method_not_allowed();  // 405 {"message":"Method not allowed"}

}  // namespace sallyport::admin
