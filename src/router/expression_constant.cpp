#include "router/expression_constant.h"

#include <charconv>

#include <fmt/format.h>

#include "base/text.h"

namespace sallyport::router {
namespace {

std::optional<int64_t> integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.front() == '0') {
    base = 8;
    text.remove_prefix(1);
  }
  if (text.empty() || text.front() == '-') return std::nullopt;
  // As unsigned, so that the smallest number can be written too.
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  const uint64_t most = uint64_t{INT64_MAX} + (negative ? 1 : 0);
  if (size > most) return std::nullopt;
  return static_cast<int64_t>(negative ? ~size + 1 : size);
}

std::optional<Constant> range(std::string_view text, size_t slash, std::string& reason) {
  const auto cidr = Cidr::parse(text);
  if (!cidr) {
    reason = fmt::format("expected a range of IP addresses such as 10.0.0.0/8, not {}", text);
    return std::nullopt;
  }
  // 192.168.0.1/24 is more likely a slip.
  if (cidr->has_host_bits()) {
    reason = fmt::format("expected a range without host bits: {} has some behind its first {}",
                         text, text.substr(slash + 1));
    return std::nullopt;
  }
  return *cidr;
}

std::string_view words_for(ValueType type) {
  switch (type) {
    case ValueType::string:
      return "==, !=, ~, ^=, =^ or contains, and a string";
    case ValueType::integer:
      return "==, !=, >=, >, <= or <, and an integer";
    case ValueType::ip:
      return "== or != and an IP address, or in, not in and a range of them (10.0.0.0/8)";
  }
  return {};
}

bool goes_together(const Predicate& p) {
  switch (p.field.type()) {
    case ValueType::string:
      return p.op <= Operator::contains &&
             (std::holds_alternative<std::string>(p.constant) ||
              std::holds_alternative<std::shared_ptr<const Pattern>>(p.constant));
    case ValueType::integer: {
      const bool compares = p.op <= Operator::not_equal ||
                            (p.op >= Operator::greater_or_equal && p.op <= Operator::less);
      return compares && std::holds_alternative<int64_t>(p.constant);
    }
    case ValueType::ip:
      if (p.op == Operator::in || p.op == Operator::not_in) {
        return std::holds_alternative<Cidr>(p.constant);
      }
      return p.op <= Operator::not_equal && std::holds_alternative<IpAddress>(p.constant);
  }
  return false;
}

}  // namespace

std::optional<Constant> number_constant(std::string_view text, std::string& reason) {
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    return range(text, slash, reason);
  }
  if (text.find_first_of(".:") != std::string_view::npos) {
    if (auto address = IpAddress::parse(text)) return *address;
    reason = fmt::format("expected an IP address, not {}", text);
    return std::nullopt;
  }
  if (auto number = integer(text)) return *number;
  reason = fmt::format("expected an integer of 64 bits (12, -12, 0x1f, 017), not {}", text);
  return std::nullopt;
}

std::string misfit(const Predicate& predicate) {
  const ValueType type = predicate.field.type();
  if (predicate.lower && type != ValueType::string) {
    return "lower() is for strings: expected a field that is one";
  }
  if (goes_together(predicate)) return {};
  constexpr std::string_view kNames[] = {"a string", "an integer", "an IP address"};
  return fmt::format("this field is {}: expected {}", kNames[static_cast<size_t>(type)],
                     words_for(type));
}

}  // namespace sallyport::router
