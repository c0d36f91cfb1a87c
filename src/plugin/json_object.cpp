#include "plugin/json_object.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace sallyport::plugin {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// RFC 8259, without recursion and without looking at what strings are made of.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {
    if (text.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  // Some readers stop at a zero.
  bool at_end() {
    blanks();
    return at_ == text_.size() || text_[at_] == '\0';
  }
  std::string_view rest() const { return text_.substr(at_); }
  bool take(char wanted) {
    blanks();
    return take_at_once(wanted);
  }
  std::optional<std::string_view> string_text() {
    blanks();
    const size_t begin = at_;
    if (!string()) return std::nullopt;
    return text_.substr(begin, at_ - begin);
  }
  std::optional<std::string_view> value_text() {
    blanks();
    const size_t begin = at_;
    if (!value()) return std::nullopt;
    return text_.substr(begin, at_ - begin);
  }

 private:
  void blanks() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take_at_once(char wanted) {
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  bool digits() {
    if (!is_digit(peek())) return false;
    while (is_digit(peek())) ++at_;
    return true;
  }
  bool number() {
    take_at_once('-');
    if (!take_at_once('0') && !digits()) return false;
    if (take_at_once('.') && !digits()) return false;
    if (!take_at_once('e') && !take_at_once('E')) return true;
    if (!take_at_once('+')) take_at_once('-');
    return digits();
  }
  bool escape() {
    const char c = peek();
    if (c == '\0' || std::string_view(R"("\/bfnrtu)").find(c) == std::string_view::npos) {
      return false;
    }
    ++at_;
    if (c != 'u') return true;
    const std::string_view code = text_.substr(at_, 4);
    at_ += code.size();
    return code.size() == 4 && std::ranges::all_of(code, [](char digit) {
             const char low = text::lower(digit);
             return is_digit(low) || (low >= 'a' && low <= 'f');
           });
  }
  bool string() {
    if (!take_at_once('"')) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }
  bool scalar() {
    for (std::string_view word : {"true", "false", "null"}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return true;
    }
    return peek() == '"' ? string() : number();
  }
  bool key() {
    blanks();
    return string() && take(':');
  }
  // Up to the first value inside that is none of these, or behind one that is empty.
  bool value() {
    std::string open;
    for (;;) {
      blanks();
      if (take_at_once('{')) {
        if (!take('}')) {
          open += '}';
          if (!key()) return false;
          continue;
        }
      } else if (take_at_once('[')) {
        if (!take(']')) {
          open += ']';
          continue;
        }
      } else if (!scalar()) {
        return false;
      }
      while (!open.empty() && take(open.back())) open.pop_back();
      if (open.empty()) return true;
      if (!take(',') || (open.back() == '}' && !key())) return false;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

// What a string stands for; its inside as it is where that cannot be told.
std::string decoded(std::string_view raw) {
  const std::string_view inside = raw.substr(1, raw.size() - 2);
  if (inside.find('\\') == inside.npos) return std::string(inside);
  const Json value = parse_json(raw);
  return value.is_string() ? value.get<std::string>() : std::string(inside);
}

}  // namespace

std::optional<JsonObject> JsonObject::parse(std::string_view text) {
  JsonObject object;
  object.original_ = text;
  Scanner in(text);
  if (!in.take('{')) return std::nullopt;
  if (!in.take('}')) {
    do {
      const auto name = in.string_text();
      if (!name || !in.take(':')) return std::nullopt;
      const auto value = in.value_text();
      if (!value) return std::nullopt;
      object.members_.push_back({std::string(*name), decoded(*name), std::string(*value)});
    } while (in.take(','));
    if (!in.take('}')) return std::nullopt;
  }
  if (!in.at_end()) return std::nullopt;
  object.behind_ = in.rest();
  return object;
}

const JsonObject::Member* JsonObject::last(std::string_view name) const {
  const auto found = std::ranges::find(members_.rbegin(), members_.rend(), name, &Member::name);
  return found == members_.rend() ? nullptr : &*found;
}

JsonObject::Member* JsonObject::last(std::string_view name) {
  return const_cast<Member*>(std::as_const(*this).last(name));
}

bool JsonObject::has(std::string_view name) const {
  return last(name) != nullptr;
}

std::optional<std::string> JsonObject::string(std::string_view name) const {
  const Member* member = last(name);
  if (member == nullptr || !member->value.starts_with('"')) return std::nullopt;
  return decoded(member->value);
}

void JsonObject::remove(std::string_view name) {
  changed_ |= std::erase_if(members_, [name](const Member& m) { return m.name == name; }) > 0;
}

void JsonObject::rename(std::string_view from, std::string_view to) {
  const Member* member = last(from);
  if (member == nullptr) return;
  const std::string value = member->value;
  remove(from);
  set(to, value);
}

void JsonObject::set(std::string_view name, std::string_view value) {
  changed_ = true;
  const auto first = std::ranges::find(members_, name, &Member::name);
  if (first == members_.end()) {
    members_.push_back({to_text(Json(std::string(name))), std::string(name), std::string(value)});
    return;
  }
  first->value = value;
  members_.erase(
      std::remove_if(first + 1, members_.end(), [name](const Member& m) { return m.name == name; }),
      members_.end());
}

void JsonObject::append(std::string_view name, std::string_view value) {
  Member* member = last(name);
  std::string elements(value);
  if (member != nullptr && member->value != "null") {
    std::string_view before = member->value;
    if (before.starts_with('[')) before = before.substr(1, before.size() - 2);
    if (!text::trim(before).empty()) elements.insert(0, std::string(before) + ',');
  }
  set(name, '[' + elements + ']');
}

std::string JsonObject::text() const {
  if (!changed_) return original_;
  std::string out = "{";
  for (const Member& member : members_) {
    if (out.size() > 1) out += ',';
    out.append(member.raw_name).append(":").append(member.value);
  }
  return out + '}' + behind_;
}

std::optional<std::vector<std::string_view>> json_elements(std::string_view text) {
  std::vector<std::string_view> out;
  Scanner in(text);
  if (!in.take('[')) return std::nullopt;
  if (!in.take(']')) {
    do {
      const auto value = in.value_text();
      if (!value) return std::nullopt;
      out.push_back(*value);
    } while (in.take(','));
    if (!in.take(']')) return std::nullopt;
  }
  if (!in.at_end()) return std::nullopt;
  return out;
}

}  // namespace sallyport::plugin
