#include "conf/directives.h"

#include <array>
#include <utility>

namespace sallyport::conf {
namespace {

constexpr std::array kDirectives = {
#define DIRECTIVE(name_, effect_, type_, initial_, ...) \
  Directive{.name = #name_,                             \
            .key = Key::name_,                          \
            .section = Section::SECTION,                \
            .effect = Effect::effect_,                  \
            .type = Type::type_,                        \
            .initial = initial_ __VA_OPT__(, ) __VA_ARGS__},
#include "conf/directives.def"
#undef DIRECTIVE
};

struct Heading {
  std::string_view title;
  std::string_view introduction;
};

// By Section.
constexpr std::array kHeadings = {
    Heading{"General", ""},
    Heading{"Listeners and workers", ""},
    Heading{"Proxying", ""},
    Heading{"TLS towards clients", ""},
    Heading{"Configuration store", ""},
    Heading{"PostgreSQL", ""},
    Heading{"PostgreSQL over TLS", ""},
    Heading{"PostgreSQL, read-only connection", ""},
    Heading{"Trust in servers", ""},
    Heading{"Names (DNS)", ""},
    Heading{"Vaults", ""},
    Heading{"Hybrid mode", ""},
    Heading{"Router and tuning", ""},
    Heading{"Nginx words", ""},
    Heading{"Kong Manager", ""},
    Heading{"PostgreSQL with cloud tokens", ""},
    Heading{"Lua and Wasm", ""},
};

}  // namespace

std::span<const Directive> directives() {
  return kDirectives;
}

const Directive& directive(Key key) {
  return kDirectives[std::to_underlying(key)];
}

std::string_view name(Key key) {
  return directive(key).name;
}

std::optional<Key> find_key(std::string_view name) {
  for (const Directive& row : kDirectives) {
    if (row.name == name) return row.key;
  }
  return std::nullopt;
}

std::string_view title(Section section) {
  return kHeadings[std::to_underlying(section)].title;
}

std::string_view introduction(Section section) {
  return kHeadings[std::to_underlying(section)].introduction;
}

std::vector<std::string_view> accepted_words(const Directive& row) {
  if (row.type == Type::flag || row.type == Type::on_off) return {"on", "off", "true", "false"};
  std::vector<std::string_view> words;
  std::string_view rest = row.words;
  while (!rest.empty()) {
    size_t blank = rest.find(' ');
    words.push_back(rest.substr(0, blank));
    rest = blank == std::string_view::npos ? std::string_view() : rest.substr(blank + 1);
  }
  return words;
}

}  // namespace sallyport::conf
