#include "conf/reference.h"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "conf/directives.h"

namespace sallyport::conf {
namespace {

constexpr size_t kWidth = 98;

// Lines of at most `width` characters, broken at blanks.
std::vector<std::string> wrap(std::string_view paragraph, size_t width) {
  std::vector<std::string> lines(1);
  for (std::string_view word : text::split(paragraph, ' ')) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width)
      lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

void add_comment(std::string& out, std::string_view paragraphs) {
  std::string_view before;
  for (std::string_view paragraph : text::split(paragraphs, '\n')) {
    out += before;
    before = "#\n";
    for (const std::string& line : wrap(paragraph, kWidth)) out += "# " + line + "\n";
  }
}

std::string_view type_name(const Directive& row) {
  switch (row.type) {
    case Type::flag:
    case Type::on_off:
      return "on or off";
    case Type::integer:
      return "whole number";
    case Type::number:
      return "number";
    case Type::string:
      return "text";
    case Type::path:
      return "path";
    case Type::word:
      return "word";
    case Type::size:
      return "size (512, 8k, 10m, 1g)";
    case Type::duration:
      return "time (30s, 10m, 1h30m, 1d)";
    case Type::buffers:
      return "number and size (4 8k)";
    case Type::list:
      return "list, separated by commas";
    case Type::listen:
      return "list of ADDRESS:PORT with flags, or off";
    case Type::secret:
      return "text, never shown";
  }
  return "";
}

std::string range_of(const Directive& row) {
  std::string unit = row.unit.empty() ? "" : fmt::format(" {}", row.unit);
  bool lower = row.least > -1e300;
  bool upper = row.most < 1e300;
  if (lower && upper) return fmt::format("{} to {}{}", row.least, row.most, unit);
  if (lower && row.least > 0) return fmt::format("at least {}{}", row.least, unit);
  return row.unit == "s" ? "seconds" : row.unit == "ms" ? "milliseconds" : std::string(row.unit);
}

// "whole number, or auto; 1 to 1024", "one of: a, b".
std::string accepted(const Directive& row) {
  bool flag = row.type == Type::flag || row.type == Type::on_off;
  std::vector<std::string> words;
  if (!flag) {
    for (std::string_view word : accepted_words(row)) words.emplace_back(word);
  }
  if (row.type == Type::word) return "one of: " + text::join(words, ", ");
  std::string out(type_name(row));
  if (row.type == Type::integer && !words.empty()) out += ", or " + text::join(words, ", ");
  if (row.type == Type::list && !words.empty()) out += ", of: " + text::join(words, ", ");
  if (std::string range = range_of(row); !range.empty()) out += "; " + range;
  if (row.sensitive) out += "; never shown";
  return out;
}

std::string effect_of(const Directive& row) {
  if (row.effect == Effect::pending) return "Without effect in this version.";
  if (row.effect == Effect::never) return fmt::format("Without effect: {}.", row.why);
  return "";
}

std::string aliases_of(const Directive& row) {
  std::string out;
  if (row.own) out += "Not a setting of Kong's. ";
  if (!row.alias.empty()) out += fmt::format("Also written {}. ", row.alias);
  if (!row.former.empty()) out += fmt::format("Formerly {}. ", row.former);
  return std::string(text::trim(out));
}

std::string default_of(const Directive& row) {
  if (row.inherits) return fmt::format("that of {}", name(*row.inherits));
  return row.initial.empty() ? "none" : std::string(row.initial);
}

template <typename Function>
void for_each_section(Function function) {
  std::vector<const Directive*> rows;
  for (const Directive& row : directives()) {
    if (!rows.empty() && rows.back()->section != row.section) {
      function(rows.front()->section, rows);
      rows.clear();
    }
    rows.push_back(&row);
  }
  function(rows.front()->section, rows);
}

constexpr std::string_view kHowToRead =
    "This file lists every setting with its default. To change one, take the # before it away. It "
    "is read as Kong reads kong.conf, and a kong.conf can be given in its place.\n"
    "key = value, one a line. A # begins a comment, also after a value; a # that belongs to the "
    "value is written \\#. One pair of quotes around a value is taken off, and inside quotes a # "
    "is a #. A line that ends in \\ goes on in the next one. Lists are separated by commas. An "
    "empty value means the default.\n"
    "Every setting can also come from the environment, as KONG_ and its name in capitals: "
    "KONG_PG_HOST. The command line goes before the environment, the environment before the file. "
    "An empty variable takes back what the file says.\n"
    "`sallyport check -c FILE` verifies a file without touching anything else.";

}  // namespace

std::string default_file() {
  const std::string rule = "#" + std::string(kWidth + 1, '-') + "\n";
  std::string out = rule + "# Sallyport\n" + rule + "#\n";
  add_comment(out, kHowToRead);
  for_each_section([&](Section section, const std::vector<const Directive*>& rows) {
    out += "\n" + rule + fmt::format("# {}\n", title(section)) + rule;
    if (!introduction(section).empty()) {
      out += "#\n";
      add_comment(out, introduction(section));
    }
    for (const Directive* row : rows) {
      out += "\n";
      add_comment(out, row->about);
      add_comment(out, "Accepted: " + accepted(*row) + ".");
      if (row->inherits) add_comment(out, fmt::format("Default: {}.", default_of(*row)));
      if (auto aliases = aliases_of(*row); !aliases.empty()) add_comment(out, aliases);
      if (auto effect = effect_of(*row); !effect.empty()) add_comment(out, effect);
      out += fmt::format("#{} ={}{}\n", row->name, row->initial.empty() ? "" : " ", row->initial);
    }
  });
  return out;
}

namespace {

constexpr std::string_view kPageHead =
    "# Configuration\n\n"
    "<!-- Made from src/conf/directives/*.def by `sallyport generate`; do not edit. -->\n\n"
    "Sallyport reads the `kong.conf` that Kong's users have. Where it looks, in this order: the "
    "file of `-c`, else the first that exists of `/etc/kong/kong.conf`, `/etc/kong.conf`, "
    "`/etc/sallyport/sallyport.conf`, `/etc/sallyport.conf`, else none.\n\n"
    "`sallyport check -c FILE` verifies a configuration without touching anything: every fault at "
    "once, each with its line. `sallyport.conf.default` has the same content as this page, ready "
    "to copy.\n\n"
    "## How a file is read\n\n"
    "```\n"
    "# a comment, and ; too at the beginning of a line\n"
    "pg_host = db.example.com      # a comment after a value\n"
    "pg_password = abc\\#def        # the password abc#def\n"
    "pg_password = \"abc#def\"       # the same: one pair of quotes is taken off\n"
    "trusted_ips = 10.0.0.0/8, \\\n"
    "              192.168.0.0/16  # a line that ends in \\ goes on in the next one\n"
    "```\n\n"
    "- **Where values come from.** Defaults, then the file, then `KONG_*` variables "
    "(`KONG_PG_HOST`, the key in capitals), then the command line; the later one counts. An empty "
    "value, in the file or in a variable, takes back what was said before it: the default holds.\n"
    "- **Flags** are `on` or `true`, `off` or `false`, in lower case. Any other word is an error, "
    "for `pg_ssl = yes` must not quietly mean plain text. The same goes for all other words.\n"
    "- **Unknown keys** are errors in a file, with the key that was probably meant; unknown "
    "`KONG_*` variables are warnings, for containers have some that are not meant as settings.\n"
    "- **Keys without effect** are checked like the others and named in one warning at the start.\n"
    "- **A key that is written twice** holds as written last, with a warning.\n"
    "- **Sections** (`[name]`) hide the keys below them, as they do in Kong; where that hides a "
    "setting it is an error.\n"
    "- **Vaults.** `{vault://env/NAME}` stands for the variable `NAME`, `{vault://env/NAME/FIELD}` "
    "for one field of the JSON object in it, in any value and any item of a list.\n\n";

// A cell of a table must not end it, nor begin an HTML tag.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string anchor(std::string_view heading) {
  std::string out;
  for (char c : text::lower(heading)) {
    if (c == ' ') out += '-';
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-') out += c;
  }
  return out;
}

void add_entry(std::string& out, const Directive& row) {
  out += fmt::format("### `{}`\n\n", row.name);
  std::string value = row.inherits          ? fmt::format("that of `{}`", name(*row.inherits))
                      : row.initial.empty() ? "none"
                                            : fmt::format("`{}`", row.initial);
  out += fmt::format("Default: {}. Accepted: {}.", value, accepted(row));
  if (auto aliases = aliases_of(row); !aliases.empty()) out += " " + aliases;
  if (auto effect = effect_of(row); !effect.empty()) out += fmt::format(" **{}**", effect);
  out += "\n\n";
  for (std::string_view paragraph : text::split(row.about, '\n')) {
    out += std::string(paragraph) + "\n\n";
  }
}

void add_ineffective(std::string& out, const std::vector<const Directive*>& rows) {
  out += "| known, without effect | default | what it is in Kong |\n| --- | --- | --- |\n";
  for (const Directive* row : rows) {
    std::string value = row->inherits          ? fmt::format("that of `{}`", name(*row->inherits))
                        : row->initial.empty() ? ""
                                               : fmt::format("`{}`", cell(row->initial));
    std::string why = row->why.empty() ? "" : fmt::format(" ({})", row->why);
    out += fmt::format("| `{}` | {} | {}{} |\n", row->name, value, cell(row->about), why);
  }
  out += "\n";
}

}  // namespace

std::string reference_page() {
  std::string out(kPageHead);
  out += "## Sections\n\n";
  for_each_section([&](Section section, const auto&) {
    out += fmt::format("- [{}](#{})\n", title(section), anchor(title(section)));
  });
  out += "\n";
  for_each_section([&](Section section, const std::vector<const Directive*>& rows) {
    out += fmt::format("## {}\n\n", title(section));
    if (!introduction(section).empty()) out += std::string(introduction(section)) + "\n\n";
    std::vector<const Directive*> ineffective;
    for (const Directive* row : rows) {
      if (row->effect == Effect::active) {
        add_entry(out, *row);
      } else {
        ineffective.push_back(row);
      }
    }
    if (!ineffective.empty()) add_ineffective(out, ineffective);
  });
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace sallyport::conf
