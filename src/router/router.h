// Which route answers a request over HTTP, in any of Kong's flavours. Built once per snapshot on
// the control thread, immutable, matched from all workers at once without allocation or lock.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/message.h"
#include "model/entities.h"
#include "router/flavor.h"

namespace sallyport::router {

struct Endpoint {
  std::string_view ip;  // as text; "" or "unix:" for none
  uint16_t port = 0;
};

// What is matched. All views outlive the match; `path` is normalised (http/uri.h) and has no query.
// The names of `headers` match whatever their case, and '_' stands for '-'.
struct MatchInput {
  std::string_view method;
  std::string_view host;  // without port, any case; "" when there was none
  uint16_t port = 0;      // from Host, or 80/443 by scheme
  std::string_view path;
  std::span<const http::Header> headers;
  std::string_view sni;  // "" on plain connections and when the client sent none
  model::Protocol protocol = model::Protocol::http;  // http, or https when it came over TLS
  // Only expressions ask about these, about the last two only if asks_endpoints().
  std::string_view query{};  // as received, without '?'
  Endpoint source{};         // the client
  Endpoint destination{};    // where it was accepted
};

struct Capture {
  std::string_view name;   // owned by the router; "" for a group without one
  std::string_view value;  // a part of MatchInput::path
  uint32_t number = 0;     // of the group, from 1
};

struct Match {
  uint32_t route = 0;             // slot in the list given to build()
  std::string_view matched_path;  // the prefix, or the text that the regex matched; part of path;
                                  // "" for a route without paths
  bool regex = false;
  // The route takes https (or grpcs) and neither http nor grpc. It matches over plain http all the
  // same: the proxy then answers with the route's https_redirect_status_code, or goes on when a
  // trusted X-Forwarded-Proto says https. Routes that take only http never match over https.
  bool https_only = false;
  uint8_t capture_count = 0;
  std::array<Capture, 16> captures;
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // A route that cannot be built (a broken regex) is left out and reported in `faults` by id; the
  // others work. Routes for tcp, tls, udp and tls_passthrough are left out silently, and so are
  // free slots (null). Ties are decided by created_at, then by id. What `previous`, which may be
  // null, has built is used again: cheap where few slots differ.
  static Router build(std::span<const std::shared_ptr<const model::Route>> routes,
                      std::vector<Error>* faults, const Router* previous = nullptr,
                      Flavor flavor = Flavor::traditional_compatible);

  // Whether a route's expression asks about net.src.* or net.dst.*.
  bool asks_endpoints() const;

  // True and `out` filled when a route matches.
  bool match(const MatchInput& input, Match& out) const;

 private:
  struct Index;
  std::unique_ptr<const Index> index_;
};

}  // namespace sallyport::router
