// The table of all directives of kong.conf: one row each, from which come the parser, the defaults,
// `sallyport check`, sallyport.conf.default, docs/configuration.md and the tests. The rows are in
// directives/*.def, one file per section; directives.def lists the sections. Constant data, any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sallyport::conf {

// The words of kong.conf themselves: Key::pg_ssl_verify.
enum class Key : uint16_t {
#define DIRECTIVE(name, ...) name,
#include "conf/directives.def"
#undef DIRECTIVE
};

// In the order of the files and of docs/configuration.md.
enum class Section : uint8_t {
  general,
  listeners,
  proxying,
  tls,
  database,
  postgres,
  postgres_tls,
  postgres_read_only,
  outgoing_tls,
  dns,
  vaults,
  hybrid,
  tuning,
  nginx,
  admin_gui,
  tokens,
  lua,
};

// What a value looks like, and with which function of Settings it is read.
enum class Type : uint8_t {
  flag,      // on, off, true, false              flag()
  on_off,    // the same; `GET /` shows the word  flag()
  integer,   // or one of `words`, which reads 0  integer()
  number,    //                                   number()
  string,    //                                   string()
  path,      // a file or directory               string()
  word,      // one of `words`                    string()
  size,      // 0, 512, 8k, 10m, 1g               integer(): bytes
  duration,  // 30, 30s, 1h30m, 1d                integer(): seconds
  buffers,   // "4 8k"                            buffers()
  list,      // comma separated                   list()
  listen,    // see Listen                        listen()
  secret,    //                                   secret()
};

// What one item of a list, or a string, has to look like.
enum class Form : uint8_t {
  any,
  words,         // each item one of `words`
  words_nocase,  // the same in any case; kept in the case of the table
  host,          // a host name or a literal address
  cidr,          // 10.0.0.0/8, ::1, unix:
  resolver,      // 10.0.0.1, 10.0.0.1:53, [::1]:53
  port_map,      // 80:8000
  label,         // key:value
  name,          // a plugin, a vault: letters, digits, - and _
  header,        // the name of an HTTP header
  url_path,      // /manager
  uuid,
  url,
};

enum class Effect : uint8_t {
  active,   // does what it says
  pending,  // known and checked, without effect in this version
  never,    // known and checked, can have no effect here: `why` says the reason
};

struct Directive {
  std::string_view name;
  Key key;
  Section section;
  Effect effect;
  Type type;
  std::string_view initial;  // the default, written as in the file; "" when there is none

  std::string_view words = {};  // accepted words, separated by blanks
  Form form = Form::any;
  double least = -std::numeric_limits<double>::infinity();  // of numbers, sizes (bytes), durations
  double most = std::numeric_limits<double>::infinity();
  std::string_view unit = {};        // "ms", "s", "bytes"
  bool sensitive = false;            // shown as ****** everywhere; a `secret` always is
  std::optional<Key> inherits = {};  // whose value holds when this one is not written
  std::string_view alias = {};       // an nginx_<block>_<name> that means the same, as in Kong
  std::string_view former = {};      // a name that it once had, still read, with a warning
  std::string_view inert = {};       // of a key without effect: the value that holds here anyway
  bool own = false;                  // not a word of Kong's, but ours
  std::string_view why = {};         // why it never has an effect
  std::string_view about = {};       // for operators; paragraphs are separated by '\n'

  bool masked() const { return sensitive || type == Type::secret; }
};

// All of them, indexed by Key.
std::span<const Directive> directives();

const Directive& directive(Key key);
std::string_view name(Key key);
std::optional<Key> find_key(std::string_view name);

// The heading of a section, and what is worth saying before its first row.
std::string_view title(Section section);
std::string_view introduction(Section section);

// The accepted words of one row, one by one.
std::vector<std::string_view> accepted_words(const Directive& row);

}  // namespace sallyport::conf
