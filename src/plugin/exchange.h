// One request and its answer as plugins see and change them. Made by the proxy for requests on
// routes with plugins; lives until the request is logged. The worker's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.h"
#include "model/entities.h"
#include "plugin/fields.h"
#include "plugin/identities.h"

namespace sallyport::net {
class TlsFilter;
}

namespace sallyport::plugin {

// An answer in place of the upstream's.
struct Response {
  int status = 500;
  std::string body = {};
  std::string content_type = {};  // "" with a body: JSON
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// {"message": "..."}, as Kong's plugins answer.
Response message(int status, std::string_view text);

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): one a request, in an order to be read
struct Exchange {
  // The request. Views are into what the proxy keeps for as long as this lives.
  std::string_view method;
  std::string_view scheme;    // "http" or "https"
  std::string_view host;      // lower case, without port
  std::string_view path;      // normalised
  std::string_view raw_path;  // as received
  std::string_view query;     // without '?'
  bool has_query = false;
  std::string_view client_ip;
  std::string_view request_id;
  std::string_view port;                // where the client reached us; "" for a unix socket
  int socket = -1;                      // the client's connection, for who asks its addresses
  const net::TlsFilter* tls = nullptr;  // of the client's connection: version, cipher; null: plain
  std::optional<uint64_t> content_length;  // nothing: none was given
  bool expects_continue = false;
  const model::Route* route = nullptr;
  const model::Service* service = nullptr;                    // null: the route has none
  std::vector<std::pair<std::string, std::string>> captures;  // of a regex path: by name and number
  const Identities* identities = nullptr;
  int64_t now = 0;  // Unix seconds

  // What goes upstream. `body` is there once a plugin has said that it reads_body().
  Fields headers;
  std::optional<std::string> body;
  bool body_changed = false;
  std::optional<std::string> new_method;
  std::optional<std::string> new_path;   // in place of the one that route and service make
  std::optional<std::string> new_query;  // without '?'
  std::optional<uint64_t> max_body;      // bytes of a body that is not read yet; nothing: no limit

  // The answer: the upstream's, or one of our own, from header_filter on.
  int status = 0;
  Fields response_headers;
  std::string* response_body = nullptr;  // only in body_filter()
  // Fields for the answer that are known before there is one; they replace others of their name.
  std::vector<std::pair<std::string, std::string>> for_client;

  // What an instance keeps of this request from one phase to the next.
  void keep(const void* instance, std::string value) {
    kept_values.emplace_back(instance, std::move(value));
  }
  const std::string* kept(const void* instance) const {  // null: nothing
    for (const auto& [whose, value] : kept_values) {
      if (whose == instance) return &value;
    }
    return nullptr;
  }
  std::vector<std::pair<const void*, std::string>> kept_values;

  // Who asks, once a plugin has found out.
  const model::Consumer* consumer = nullptr;
  std::string credential_id;
  std::vector<std::string> authenticated_groups;
  bool anonymous = false;

  std::string_view current_query() const {
    return new_query ? std::string_view(*new_query) : query;
  }
  bool authenticated() const { return consumer != nullptr || !credential_id.empty(); }
};

// Puts the consumer (null: a credential without one) into the exchange and tells the upstream,
// whatever the client said about itself.
void authenticate(Exchange& exchange, const model::Consumer* consumer,
                  std::string_view credential_id, std::string_view credential_name);
// Lets the request through as the consumer that `anonymous` names; false when there is none such.
bool let_through_as(Exchange& exchange, std::string_view anonymous);

}  // namespace sallyport::plugin
