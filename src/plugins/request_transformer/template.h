// The values of request-transformer: text with $(headers.name), $(query_params.name),
// $(uri_captures.name) and `$(a.b or "text")` in it; `$$(` stands for a `$(` of its own. Parsed
// once, filled in for each request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/exchange.h"

namespace sallyport::plugins::request_transformer {

class Template {
 public:
  explicit Template(std::string_view text);

  // What a request has no value for is left empty; nothing when all of the text was that.
  std::optional<std::string> fill(const plugin::Exchange& exchange) const;

 private:
  struct Source {
    std::string space;  // "headers"; "" for a literal
    std::string name;   // or the literal
  };
  struct Part {
    std::string text;             // in front of
    std::vector<Source> sources;  // the first that has a value
  };
  static std::vector<Source> sources_of(std::string_view expression);
  static std::optional<std::string> value_of(const Source& source,
                                             const plugin::Exchange& exchange);

  std::vector<Part> parts_;
};

}  // namespace sallyport::plugins::request_transformer
