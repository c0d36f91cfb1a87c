// What a route demands besides host and path, in a form that is quick to check. Immutable, part of
// the router's index.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/message.h"
#include "model/entities.h"
#include "router/flavor.h"
#include "router/pattern.h"

namespace sallyport::router {

// Host names and SNIs: exact, or open on one side with at least one character there.
enum class NameKind : uint8_t { exact, suffix, prefix };

struct NamePattern {
  NameKind kind = NameKind::exact;
  std::string text;  // lower case; ".example.com" for "*.example.com", "a." for "a.*"
  bool matches(std::string_view lower_case_name) const;
};

// "*.example.com", "example.*" or a whole name, in any case.
NamePattern parse_name(std::string_view text);

struct HeaderCondition {
  std::string name;                                           // lower case, '-' for '_'
  std::vector<std::string> values;                            // lower case; any of them
  std::vector<std::shared_ptr<const Pattern>> patterns = {};  // or any of these

  // Whether one of the request's fields of that name has a wanted value.
  bool matches(std::span<const http::Header> headers) const;
};

struct Conditions {
  std::vector<std::string> other_methods;  // those that http::Method does not know
  std::vector<HeaderCondition> headers;    // all must match
  std::vector<NamePattern> snis;           // one must match, over TLS

  bool empty() const { return other_methods.empty() && headers.empty() && snis.empty(); }
  bool method_matches(std::string_view method) const;
  bool headers_match(std::span<const http::Header> fields) const;
  bool sni_matches(std::string_view sni) const;
};

inline constexpr uint16_t kAllMethods = 0xffff;
constexpr uint16_t method_bit(http::Method method) {
  return static_cast<uint16_t>(1U << static_cast<unsigned>(method));
}

// One bit per http::Method that the route takes; all bits when it has no methods. Methods unknown
// to http::Method go to `other`.
uint16_t method_bits(const std::vector<std::string>& methods, std::vector<std::string>& other);

// In the traditional flavor "~*" begins an expression only where it is the one value of a header.
Result<Conditions> parse_conditions(const model::Route& route, PatternCache& patterns,
                                    Flavor flavor);

// Compares header names: case does not matter, and '_' is '-'. `wanted` is normalised.
bool same_header_name(std::string_view name, std::string_view wanted);
// Compares without regard to the case of ASCII letters; `wanted` is lower case.
bool same_lowered(std::string_view text, std::string_view wanted);

}  // namespace sallyport::router
