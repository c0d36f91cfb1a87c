#include "plugin/query.h"

#include <algorithm>

#include "base/text.h"

namespace sallyport::plugin {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = text::lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string percent_encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    if (plain(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
               digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Query::Query(std::string_view text) {
  if (text.empty()) return;
  for (std::string_view raw : text::split(text, '&')) {
    const size_t equals = raw.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : raw.substr(equals + 1);
    parts_.push_back(
        {std::string(raw), percent_decode(raw.substr(0, equals)), percent_decode(value)});
  }
}

Query::Part Query::part_of(std::string_view name, std::string_view value) {
  return {percent_encode(name) + '=' + percent_encode(value), std::string(name),
          std::string(value)};
}

std::vector<std::string> Query::values(std::string_view name) const {
  std::vector<std::string> out;
  for (const Part& part : parts_) {
    if (part.name == name) out.push_back(part.value);
  }
  return out;
}

bool Query::has(std::string_view name) const {
  return std::ranges::any_of(parts_, [name](const Part& part) { return part.name == name; });
}

void Query::remove(std::string_view name) {
  std::erase_if(parts_, [name](const Part& part) { return part.name == name; });
}

void Query::rename(std::string_view from, std::string_view to) {
  for (Part& part : parts_) {
    if (part.name == from) part = part_of(to, part.value);
  }
}

void Query::set(std::string_view name, std::string_view value) {
  Part fresh = part_of(name, value);
  remove(fresh.name);
  parts_.push_back(std::move(fresh));
}

void Query::add(std::string_view name, std::string_view value) {
  parts_.push_back(part_of(name, value));
}

std::string Query::text() const {
  std::string out;
  for (const Part& part : parts_) {
    if (&part != parts_.data()) out += '&';
    out += part.raw;
  }
  return out;
}

}  // namespace sallyport::plugin
