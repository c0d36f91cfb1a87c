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
    Heading{"PostgreSQL", "The connection to the configuration store."},
    Heading{
        "PostgreSQL over TLS",
        "Three settings make the connection safe: `pg_ssl`, `pg_ssl_required` and "
        "`pg_ssl_verify`, all on, with the server's authority in `lua_ssl_trusted_certificate`. "
        "`pg_ssl_cert` and `pg_ssl_cert_key` make it mutual. `sallyport doctor` walks the "
        "connection step by step and says what is missing."},
    Heading{"PostgreSQL, read-only connection",
            "A second connection for reads, to a replica. What is not written here is taken over "
            "from the setting of the same name without `ro_`."},
    Heading{"Trust in servers", ""},
    Heading{"Names (DNS)", ""},
    Heading{"Vaults",
            "Any value of this file, and any item of a list, can be a reference to an environment "
            "variable: {vault://env/NAME}, or {vault://env/NAME/FIELD} for one field of a JSON "
            "object in it. NAME is written in any case, with - for _. References are resolved "
            "once, at the start; one that cannot be is an error."},
    Heading{"Hybrid mode", ""},
    Heading{"Router and tuning", ""},
    Heading{"Nginx words",
            "Kong passes nginx_<block>_<name> on to nginx as a directive of that block. The ones "
            "below mean the same here. Others are accepted, and named in a warning."},
    Heading{"Kong Manager", ""},
    Heading{"PostgreSQL with cloud tokens",
            "Known from Kong Enterprise; at most one of the four can be on."},
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
