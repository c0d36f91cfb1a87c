#include "conf/value_parser.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "conf/file_syntax.h"
#include "conf/forms.h"
#include "conf/listen_syntax.h"

namespace sallyport::conf {
namespace {

using Complaint = std::optional<std::string>;

// How much of a bad value a message repeats; more than a line helps nobody.
constexpr size_t kQuotedBytes = 80;

class Parser {
 public:
  Parser(const Directive& row, const Written& written, Value& out)
      : row_(row), written_(written), out_(out) {}

  Complaint parse() {
    if (row_.type != Type::secret) {
      if (!text::valid_utf8(written_.text)) return "the value is not UTF-8 text";
      out_.text = written_.text;
    }
    switch (row_.type) {
      case Type::flag:
      case Type::on_off:
        return parse_flag();
      case Type::integer:
        return parse_integer();
      case Type::number:
        return parse_number();
      case Type::word:
        return parse_word();
      case Type::size:
        return parse_size();
      case Type::duration:
        return parse_duration();
      case Type::buffers:
        return parse_buffers();
      case Type::list:
        return parse_list();
      case Type::listen:
        return parse_listens();
      case Type::secret:
        out_.secret = Secret(written_.text);
        return std::nullopt;
      case Type::path:
      case Type::string:
        return parse_string();
    }
    return std::nullopt;
  }

 private:
  // A value as a message may show it.
  std::string shown(std::string_view value) const {
    if (written_.hidden || row_.masked()) return "the value";
    std::string head(value.substr(0, kQuotedBytes));
    while (!text::valid_utf8(head)) head.pop_back();
    return fmt::format("'{}{}'", head, value.size() > kQuotedBytes ? "..." : "");
  }

  std::string unknown_word(std::string_view word) const {
    auto words = accepted_words(row_);
    std::string accepted;
    for (std::string_view each : words) {
      if (!accepted.empty()) accepted += ", ";
      accepted += each;
    }
    bool hidden = written_.hidden || row_.masked();
    auto near = hidden ? std::nullopt : text::nearest(text::lower(word), words);
    return fmt::format("unknown word{}{}; accepted: {}", hidden ? "" : " " + shown(word),
                       near ? fmt::format(", did you mean '{}'?", *near) : "", accepted);
  }

  Complaint parse_flag() {
    const std::string& word = written_.text;
    if (word == "on" || word == "true") {
      out_.flag = true;
    } else if (word != "off" && word != "false") {
      return unknown_word(word);
    }
    out_.text = out_.flag ? "on" : "off";
    return std::nullopt;
  }

  Complaint parse_word() {
    auto words = accepted_words(row_);
    if (std::ranges::find(words, written_.text) == words.end()) return unknown_word(written_.text);
    return std::nullopt;
  }

  Complaint in_range(std::string_view what) {
    if (out_.number >= row_.least && out_.number <= row_.most) return std::nullopt;
    return fmt::format("{} is out of range; accepted: {}", shown(what), range());
  }

  std::string range() const {
    bool upper = row_.most <= 9e15;
    std::string unit = row_.unit.empty() ? "" : fmt::format(" ({})", row_.unit);
    if (upper) return fmt::format("{} to {}{}", row_.least, row_.most, unit);
    return fmt::format("{} and more{}", row_.least, unit);
  }

  bool is_alternative_word() const {
    auto words = accepted_words(row_);
    return std::ranges::find(words, written_.text) != words.end();
  }

  Complaint parse_integer() {
    if (is_alternative_word()) return std::nullopt;
    auto value = text::to_integer(written_.text);
    if (!value || *value > 1LL << 53 || *value < -(1LL << 53)) {
      if (row_.words.empty()) return fmt::format("{} is not a whole number", shown(written_.text));
      return fmt::format("{} is neither a whole number nor one of: {}", shown(written_.text),
                         row_.words);
    }
    out_.number = static_cast<double>(*value);
    return in_range(written_.text);
  }

  Complaint parse_number() {
    auto value = text::to_number(written_.text);
    if (!value) return fmt::format("{} is not a number", shown(written_.text));
    out_.number = *value;
    return in_range(written_.text);
  }

  Complaint parse_size() {
    auto bytes = to_bytes(written_.text);
    if (!bytes)
      return fmt::format("{} is not a size such as 512, 8k, 10m, 1g", shown(written_.text));
    out_.number = static_cast<double>(*bytes);
    return in_range(written_.text);
  }

  Complaint parse_duration() {
    auto seconds = to_seconds(written_.text);
    if (!seconds) {
      return fmt::format("{} is not a time such as 30s, 10m, 1h30m, 1d", shown(written_.text));
    }
    out_.number = *seconds;
    return in_range(written_.text);
  }

  Complaint parse_buffers() {
    std::string_view rest = written_.text;
    size_t blank = rest.find_first_of(" \t");
    auto count = text::to_integer(rest.substr(0, blank));
    auto bytes =
        blank == std::string_view::npos ? std::nullopt : to_bytes(text::trim(rest.substr(blank)));
    if (!count || !bytes || *count < 1 || *count > 65536 || *bytes < 1) {
      return fmt::format("{} is not a number and a size such as 4 8k", shown(written_.text));
    }
    out_.buffers = {*count, *bytes};
    return std::nullopt;
  }

  Complaint parse_string() {
    if (written_.text.empty()) return std::nullopt;
    if (row_.type == Type::path && written_.text.find_first_of("\r\n") != std::string::npos) {
      return fmt::format("{} is not a path", shown(written_.text));
    }
    return check_item(out_.text);
  }

  Complaint check_item(std::string& item) {
    auto expected = check_form(row_, item);
    if (!expected) return std::nullopt;
    if (row_.form == Form::words || row_.form == Form::words_nocase) return unknown_word(item);
    return fmt::format("{} is not {}", shown(item), *expected);
  }

  // A lone `off` is an empty list where `off` means something.
  bool is_off() const {
    bool can_be_off = row_.type == Type::listen || row_.form == Form::name;
    for (std::string_view word : accepted_words(row_)) can_be_off |= word == "off";
    return can_be_off && written_.items.size() == 1 && written_.items[0] == "off";
  }

  Complaint parse_list() {
    if (is_off()) return std::nullopt;
    out_.items = written_.items;
    for (std::string& item : out_.items) {
      if (item == "off" && row_.form != Form::any) return "'off' stands alone";
      if (auto complaint = check_item(item)) return complaint;
    }
    out_.text = text::join(out_.items, ", ");
    return std::nullopt;
  }

  Complaint parse_listens() {
    if (is_off()) return std::nullopt;
    for (const std::string& item : written_.items) {
      auto listen = parse_listen(item, row_.key == Key::stream_listen);
      if (!listen) {
        return written_.hidden ? "the value is not a list of ADDRESS:PORT" : listen.error().detail;
      }
      for (const Listen& other : out_.listens) {
        if (other.address == listen->address && other.port == listen->port &&
            other.udp == listen->udp) {
          return fmt::format("{} is there twice", address_text(other));
        }
      }
      out_.listens.push_back(std::move(*listen));
    }
    return std::nullopt;
  }

  const Directive& row_;
  const Written& written_;
  Value& out_;
};

}  // namespace

bool takes_items(const Directive& row) {
  return row.type == Type::list || row.type == Type::listen;
}

std::vector<std::string> split_items(std::string_view written) {
  // `"a, b"` is one pair around the whole; `"a", "b"` is a pair around each.
  std::string_view whole = unquote(written);
  if (whole.size() != written.size() && whole.find(written.front()) == std::string_view::npos) {
    written = whole;
  }
  std::vector<std::string> items;
  for (std::string_view item : text::list(written)) {
    item = text::trim(unquote(item));
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

std::optional<std::string> parse_value(const Directive& row, const Written& written, Value& out) {
  out.set = true;
  auto complaint = Parser(row, written, out).parse();
  if (complaint) out = Value{};
  return complaint;
}

}  // namespace sallyport::conf
