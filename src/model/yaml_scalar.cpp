#include "model/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"

namespace sallyport::model {
namespace {

bool one_of(std::string_view text, std::span<const std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 9> kTrue = {"true", "True", "TRUE", "yes", "Yes",
                                                   "YES",  "on",   "On",   "ON"};
constexpr std::array<std::string_view, 9> kFalse = {"false", "False", "FALSE", "no", "No",
                                                    "NO",    "off",   "Off",   "OFF"};

bool digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Json> integer(std::string_view text) {
  bool negative = text.starts_with('-');
  std::string_view body = text;
  if (negative || text.starts_with('+')) body.remove_prefix(1);
  int base = 10;
  if (body.starts_with("0x")) {
    base = 16;
    body.remove_prefix(2);
  } else if (body.size() > 1 && body.starts_with('0')) {
    base = 8;  // YAML 1.1
    body.remove_prefix(1);
  }
  int64_t value = 0;
  auto [end, problem] = std::from_chars(body.data(), body.data() + body.size(), value, base);
  if (problem != std::errc() || end != body.data() + body.size() || body.starts_with('-')) {
    return std::nullopt;
  }
  return Json(negative ? -value : value);
}

// 1.5, .5, 1e3, -1.5E-3; and integers that are too long for 64 bits.
std::optional<Json> number(std::string_view text) {
  std::string_view body = text;
  if (body.starts_with('-') || body.starts_with('+')) body.remove_prefix(1);
  std::string_view mantissa = body.substr(0, body.find_first_of("eE"));
  std::string_view whole = mantissa.substr(0, mantissa.find('.'));
  bool point = whole.size() < mantissa.size();
  std::string_view fraction = point ? mantissa.substr(whole.size() + 1) : std::string_view();
  bool sound = (digits(whole) || (whole.empty() && digits(fraction))) &&
               (fraction.empty() || digits(fraction));
  if (!sound || (!point && whole.size() > 1 && whole.starts_with('0'))) return std::nullopt;
  std::string spelled(text.starts_with('+') ? text.substr(1) : text);
  if (whole.empty()) spelled.insert(spelled.find('.'), "0");
  auto value = text::to_number(spelled);
  if (!value) return std::nullopt;
  return Json(*value);
}

bool unsafe_plain(std::string_view text) {
  static constexpr std::string_view kFirst = "-?:,[]{}#&*!|>'\"%@`= \t<";
  if (kFirst.contains(text.front()) || text.back() == ' ' || text.back() == ':') return true;
  if (text.contains(": ") || text.contains(" #")) return true;
  return std::ranges::any_of(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e;
  });
}

}  // namespace

Json plain_scalar(std::string_view text) {
  if (one_of(text, kNull)) return nullptr;
  if (one_of(text, kTrue)) return true;
  if (one_of(text, kFalse)) return false;
  if (auto value = integer(text)) return *value;
  if (auto value = number(text)) return *value;
  return std::string(text);
}

Json tagged_scalar(std::string_view tag, std::string_view text) {
  std::string_view type = tag.substr(tag.find_last_of(':') + 1);
  Json plain = plain_scalar(text);
  bool fits = (type == "int" && plain.is_number_integer()) ||
              (type == "float" && plain.is_number()) || (type == "bool" && plain.is_boolean()) ||
              (type == "null" && plain.is_null());
  return fits ? plain : Json(std::string(text));
}

std::string yaml_text(const Json& scalar) {
  if (!scalar.is_string()) return to_text(scalar);
  const std::string& text = scalar.get_ref<const std::string&>();
  bool ambiguous = text.empty() || !plain_scalar(text).is_string() || text == "<<";
  // "3.0" and "12:30" are numbers to some readers.
  bool numeric =
      !text.empty() && (digits(text.substr(0, 1)) || text.front() == '.' || text.front() == '+');
  bool letter = text.size() == 1 && std::string_view("yYnN").contains(text);  // booleans to some
  if (ambiguous || numeric || letter || unsafe_plain(text)) return to_text(scalar);
  return text;
}

}  // namespace sallyport::model
