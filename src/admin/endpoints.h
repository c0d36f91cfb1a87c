// The table of paths: which handler answers which method where. Built at start, read on the control
// thread.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "admin/answer.h"
#include "admin/request.h"

namespace sallyport::admin {

// `keys` are the texts that stand for {names} of the pattern, in order.
using Keys = std::span<const std::string>;
using Handler = std::function<Answer(const Request& request, Keys keys)>;

struct Endpoint {
  std::string pattern;                // "/services/{services}"
  std::vector<std::string> segments;  // "services", "{services}"
  std::map<std::string, Handler> methods;

  // "GET, HEAD, OPTIONS": sorted, with what follows from the others.
  std::string allow() const;
};

class Endpoints {
 public:
  void add(std::string pattern, std::string method, Handler handler);

  // The endpoint of a path; literal segments win over {names}. Null when there is none.
  const Endpoint* find(Keys segments, std::vector<std::string>& keys) const;

  std::span<const Endpoint> all() const { return endpoints_; }

 private:
  std::vector<Endpoint> endpoints_;
};

}  // namespace sallyport::admin
