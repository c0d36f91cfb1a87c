// Which route answers a request: Kong's `traditional_compatible` flavour. Built once per snapshot
// on the control thread, immutable, matched from all workers at once without allocation or lock.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/entities.h"

namespace sallyport::router {

// One header as the match needs it.
struct HeaderView {
  std::string_view name;
  std::string_view value;
};

// What is matched. All views outlive the match; `path` is normalised (http/uri.h) and has no query.
struct MatchInput {
  std::string_view method;
  std::string_view host;  // without port, any case; "" when there was none
  uint16_t port = 0;      // from Host, or 80/443 by scheme
  std::string_view path;
  std::span<const HeaderView> headers;
  std::string_view sni;  // "" on plain connections
  model::Protocol protocol = model::Protocol::http;
};

struct Capture {
  std::string_view name;   // owned by the router
  std::string_view value;  // a part of MatchInput::path
};

struct Match {
  uint32_t route = 0;             // index into the routes given to build()
  std::string_view matched_path;  // the prefix, or the text that the regex matched; part of path
  bool regex = false;
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
  // others work. Order of `routes` is free: created_at decides ties.
  static Router build(std::span<const std::shared_ptr<const model::Route>> routes,
                      std::vector<Error>* faults);

  // True and `out` filled when a route matches.
  bool match(const MatchInput& input, Match& out) const;

 private:
  struct Index;
  std::unique_ptr<const Index> index_;
};

}  // namespace sallyport::router
