#include "plugin/exchange.h"

#include "base/json.h"

namespace sallyport::plugin {
namespace {

void tell(Exchange& exchange, std::string_view name, std::string_view value) {
  if (value.empty()) {
    if (exchange.headers.get(name)) exchange.headers.remove(name);
  } else {
    exchange.headers.set(name, value);
  }
}

void tell_consumer(Exchange& exchange, const model::Consumer* consumer) {
  tell(exchange, "X-Consumer-ID", consumer != nullptr ? consumer->id : "");
  tell(exchange, "X-Consumer-Username", consumer != nullptr ? consumer->username : "");
  tell(exchange, "X-Consumer-Custom-ID", consumer != nullptr ? consumer->custom_id : "");
}

}  // namespace

Response message(int status, std::string_view text) {
  return {.status = status, .body = to_text(Json{{"message", std::string(text)}})};
}

void authenticate(Exchange& exchange, const model::Consumer* consumer,
                  std::string_view credential_id, std::string_view credential_name) {
  exchange.consumer = consumer;
  exchange.credential_id = credential_id;
  exchange.anonymous = false;
  tell_consumer(exchange, consumer);
  tell(exchange, "X-Credential-Identifier", credential_name);
  tell(exchange, "X-Anonymous-Consumer", "");
}

bool let_through_as(Exchange& exchange, std::string_view anonymous) {
  const model::Consumer* consumer = exchange.identities->consumer_called(anonymous);
  if (consumer == nullptr) return false;
  exchange.consumer = consumer;
  exchange.credential_id.clear();
  exchange.anonymous = true;
  tell_consumer(exchange, consumer);
  tell(exchange, "X-Credential-Identifier", "");
  tell(exchange, "X-Anonymous-Consumer", "true");
  return true;
}

}  // namespace sallyport::plugin
