#include "conf/loader.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "conf/cross_checks.h"
#include "conf/effects.h"
#include "conf/file_syntax.h"
#include "conf/names.h"
#include "conf/settings_builder.h"
#include "conf/value_parser.h"
#include "conf/vault_reference.h"

namespace sallyport::conf {
namespace {

constexpr std::array kSearchPath = {"/etc/kong/kong.conf", "/etc/kong.conf",
                                    "/etc/sallyport/sallyport.conf", "/etc/sallyport.conf"};
constexpr size_t kMaxFileBytes = 4u << 20;  // declarative_config_string may stand in it
constexpr size_t kMaxFaults = 100;          // of a file that is something else altogether
constexpr std::string_view kEnvironment = "environment";
constexpr std::string_view kCommandLine = "command line";

// What one source says about one key.
struct Raw {
  std::string text;
  Origin origin = Origin::defaults;
  Place place;
};

Written plain(const Directive& row, std::string_view text) {
  if (takes_items(row)) return {std::string(text), split_items(text), false};
  return {std::string(text), {}, false};
}

// The defaults, by Key. Parsed once: a test holds that all of them parse.
const std::vector<Value>& default_values() {
  static const std::vector<Value> kValues = [] {
    std::vector<Value> values(directives().size());
    for (const Directive& row : directives()) {
      if (row.initial.empty()) continue;
      parse_value(row, plain(row, row.initial), values[std::to_underlying(row.key)]);
    }
    return values;
  }();
  return kValues;
}

// Faults go to terminals and into JSON: no control characters, nothing but UTF-8, whatever the
// environment held.
void make_printable(std::string& text) {
  bool ascii_only = !text::valid_utf8(text);
  for (char& c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (ascii_only && byte >= 0x80)) c = '?';
  }
}

void in_order(std::vector<Fault>& faults) {
  std::ranges::sort(faults, {}, [](const Fault& f) { return std::tie(f.line, f.key, f.message); });
}

void finish(std::vector<Fault>& faults) {
  if (size_t all = faults.size(); all > kMaxFaults) {
    faults.resize(kMaxFaults);
    faults.push_back({faults.back().file, 0, "", fmt::format("and {} more", all - kMaxFaults)});
  }
  for (Fault& fault : faults) {
    make_printable(fault.key);
    make_printable(fault.message);
  }
}

class Loader {
 public:
  explicit Loader(const Sources& sources)
      : sources_(sources), environment_(sources.environment), raw_(directives().size()) {
    if (!environment_) environment_ = [](const char* name) { return std::getenv(name); };
  }

  Loaded load() {
    read_file_source();
    read_environment();
    read_command_line();
    default_places();
    parse_all();
    inherit();
    absolute_prefix();
    check_pairs(builder_.settings(), out_);
    warn_of_effects(builder_.settings(), injected_, out_);
    in_order(out_.faults);
    finish(out_.faults);
    finish(out_.warnings);
    out_.settings = builder_.take();
    return std::move(out_);
  }

 private:
  // --- the sources, lowest precedence first ---

  void read_file_source() {
    out_.path = sources_.path;
    if (sources_.content) return read_lines(*sources_.content);
    for (const char* candidate : kSearchPath) {
      if (out_.path.empty() && access(candidate, F_OK) == 0) out_.path = candidate;
    }
    if (out_.path.empty()) return;
    auto content = sallyport::read_file(out_.path, kMaxFileBytes);
    if (!content) {
      out_.faults.push_back({out_.path, 0, "", content.error().text()});
      return;
    }
    read_lines(*content);
  }

  void read_lines(std::string_view content) {
    ParsedFile file = parse_file(out_.path, content);
    std::ranges::move(file.faults, std::back_inserter(out_.faults));
    std::ranges::move(file.warnings, std::back_inserter(out_.warnings));
    for (Assignment& line : file.assignments) {
      Place place{out_.path, line.line, line.key, true};
      assign(line.key, std::move(line.value), Origin::file, std::move(place));
    }
  }

  void read_environment() {
    std::vector<std::string> odd;
    for (const std::string& variable : environment_names()) {
      const char* value = environment_(variable.c_str());
      if (value == nullptr) continue;
      std::string key = text::lower(std::string_view(variable).substr(5));
      Place place{std::string(kEnvironment), 0, variable, true};
      bool upper = variable == variable_of(key);
      if (upper && is_known(key)) {
        assign(key, unescape_hash(value), Origin::environment, std::move(place));
      } else if (auto near = nearest_name(key); near && !is_service_link(variable)) {
        out_.warnings.push_back({place.file, 0, variable,
                                 fmt::format("is not read; did you mean {}?", variable_of(*near))});
      } else {
        odd.push_back(variable);
      }
    }
    if (odd.empty()) return;
    out_.warnings.push_back({std::string(kEnvironment), 0, "",
                             "not read, for they name no setting: " + text::join(odd, ", ")});
  }

  std::vector<std::string> environment_names() const {
    std::vector<std::string> names;
    if (sources_.environment) {
      names = sources_.environment_names;
      // Known settings count, listed or not.
      for (const Directive& row : directives()) names.push_back(variable_of(row.name));
    } else {
      for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        std::string_view text(*entry);
        if (text.starts_with("KONG_")) names.emplace_back(text.substr(0, text.find('=')));
      }
    }
    std::ranges::sort(names);
    auto doubles = std::ranges::unique(names);
    names.erase(doubles.begin(), doubles.end());
    std::erase_if(names, [](const std::string& name) { return !name.starts_with("KONG_"); });
    return names;
  }

  // In the environment a `#` is no comment; `\#` is read as `#` all the same, as Kong does.
  static std::string unescape_hash(std::string_view value) {
    std::string out;
    value = text::trim(value);
    for (size_t i = 0; i < value.size(); ++i) {
      if (value[i] == '\\' && i + 1 < value.size() && value[i + 1] == '#') continue;
      out += value[i];
    }
    return out;
  }

  void read_command_line() {
    for (const auto& [key, value] : sources_.overrides) {
      assign(key, value, Origin::command_line, {std::string(kCommandLine), 0, key, true});
    }
  }

  void assign(const std::string& written_key, std::string text, Origin origin, Place place) {
    Naming naming = resolve_name(written_key);
    if (naming.former) {
      out_.warnings.push_back(
          {place.file, place.line, place.key, fmt::format("is now called {}", name(*naming.key))});
    }
    if (naming.key) {
      Raw& raw = raw_[std::to_underlying(*naming.key)];
      if (origin == Origin::file && raw.origin == Origin::file) {
        out_.warnings.push_back(
            {place.file, place.line, place.key,
             fmt::format("is written twice; this line holds, line {} does not", raw.place.line)});
      }
      raw = {std::move(text), origin, std::move(place)};
    } else if (naming.family) {
      injected_.push_back({std::move(place), written_key, std::string(unquote(text))});
    } else {
      bool enough = out_.faults.size() >= kMaxFaults;
      out_.faults.push_back(
          {place.file, place.line, place.key, enough ? "unknown key" : unknown_key(written_key)});
    }
  }

  // --- the values ---

  void default_places() {
    out_.places.resize(raw_.size());
    for (size_t i = 0; i < raw_.size(); ++i) {
      // An empty value takes back what was written before it: the default holds again.
      if (unquote(raw_[i].text).empty()) raw_[i].origin = Origin::defaults;
      if (raw_[i].origin == Origin::defaults) {
        out_.places[i] = {out_.path, 0, std::string(directives()[i].name), false};
      } else {
        out_.places[i] = raw_[i].place;
      }
    }
  }

  void parse_all() {
    parse(Key::vault_env_prefix);
    for (const Directive& row : directives()) {
      if (row.key != Key::vault_env_prefix) parse(row.key);
    }
    for (const Injected& entry : injected_) {
      if (entry.name.starts_with("nginx_")) builder_.inject(entry.name, entry.value);
    }
  }

  void parse(Key key) {
    const Directive& row = directive(key);
    const Raw& raw = raw_[std::to_underlying(key)];
    Value& value = builder_.at(key);
    if (raw.origin == Origin::defaults) {
      value = default_values()[std::to_underlying(key)];
      return;
    }
    auto written = resolve(row, raw.text);
    if (!written) {
      out_.faults.push_back(out_.fault_at(key, written.error().detail));
      return;
    }
    if (written->text.empty()) {  // a reference to an empty variable
      value = default_values()[std::to_underlying(key)];
      out_.places[std::to_underlying(key)] = {out_.path, 0, std::string(row.name), false};
      return;
    }
    if (auto complaint = parse_value(row, *written, value)) {
      out_.faults.push_back(out_.fault_at(key, *complaint));
      return;
    }
    value.origin = raw.origin;
    if (written->hidden) value.reference = raw.text;
  }

  // Takes the quotes off and puts in what vault references stand for.
  Result<Written> resolve(const Directive& row, std::string_view text) {
    std::string_view bare = unquote(text);
    if (is_vault_reference(bare) && bare.find('}') == bare.size() - 1) {
      auto value = read_vault(bare, prefix(), environment_);
      if (!value) return fail(value.error());
      Written written = plain(row, *value);
      written.hidden = true;
      return written;
    }
    if (!takes_items(row)) return Written{std::string(bare), {}, false};
    Written written = plain(row, text);
    for (std::string& item : written.items) {
      if (!is_vault_reference(item)) continue;
      auto value = read_vault(item, prefix(), environment_);
      if (!value) return fail(value.error());
      item = std::move(*value);
      written.hidden = true;
    }
    return written;
  }

  std::string_view prefix() const { return builder_.settings().string(Key::vault_env_prefix); }

  void inherit() {
    for (const Directive& row : directives()) {
      Value& value = builder_.at(row.key);
      if (!row.inherits || value.set) continue;
      value = builder_.at(*row.inherits);
      value.inherited = true;
    }
  }

  // Kong takes a relative prefix from where it was started. On a command line that is meant; in a
  // file it depends on who starts it.
  void absolute_prefix() {
    std::string& prefix = builder_.at(Key::prefix).text;
    if (!prefix.empty() && prefix.front() != '/') {
      std::array<char, 4096> here{};
      if (getcwd(here.data(), here.size()) != nullptr) {
        prefix = fmt::format("{}/{}", here.data(), prefix);
      }
      if (builder_.at(Key::prefix).origin != Origin::command_line) {
        out_.warnings.push_back(out_.fault_at(
            Key::prefix, fmt::format("is not absolute; started from here it is {}", prefix)));
      }
    }
    while (prefix.size() > 1 && prefix.ends_with('/')) prefix.pop_back();
  }

  const Sources& sources_;
  Environment environment_;
  std::vector<Raw> raw_;            // by Key
  std::vector<Injected> injected_;  // families of keys that the table does not list one by one
  SettingsBuilder builder_;
  Loaded out_;
};

}  // namespace

std::string Fault::text() const {
  std::string out = file;
  if (line > 0) out += fmt::format(":{}", line);
  for (const std::string& part : {key, message}) {
    if (part.empty()) continue;
    if (!out.empty()) out += ": ";
    out += part;
  }
  return out;
}

Fault Loaded::fault_at(Key key, std::string message) const {
  const Place& place = places.at(std::to_underlying(key));
  return {place.file, place.line, place.key, std::move(message)};
}

Loaded load(const Sources& sources) {
  return Loader(sources).load();
}

}  // namespace sallyport::conf
