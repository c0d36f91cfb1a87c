#include "app/completion.h"

#include <algorithm>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace sallyport::app {
namespace {

struct Word {
  std::string text;
  std::string description;
};

// What may follow after the words of `path` ("migrations up"; "" for the program itself).
struct Place {
  std::string path;
  std::vector<Word> commands;
  std::vector<Word> options;
};

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

Place place_of(const CLI::App& app, const std::string& path) {
  Place place{.path = path, .commands = {}, .options = {}};
  for (const CLI::App* child : app.get_subcommands({})) {
    if (child->get_group().empty()) continue;
    place.commands.push_back({child->get_name(), first_line(child->get_description())});
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      place.options.push_back({"--" + name, first_line(option->get_description())});
    }
    for (const std::string& name : option->get_snames()) {
      place.options.push_back({"-" + name, first_line(option->get_description())});
    }
  }
  return place;
}

void collect(const CLI::App& app, const std::string& path, std::vector<Place>& places) {
  places.push_back(place_of(app, path));
  for (const CLI::App* child : app.get_subcommands({})) {
    if (child->get_group().empty()) continue;
    collect(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), places);
  }
}

// In single quotes, for any of the three shells.
std::string in_quotes(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string words(const std::vector<Word>& list) {
  std::string out;
  for (const Word& word : list) out += (out.empty() ? "" : " ") + word.text;
  return out;
}

// "'migrations'|'migrations up'|…": every path but the program's own.
std::string patterns(const std::vector<Place>& places) {
  std::string out;
  for (const Place& place : places) {
    if (!place.path.empty()) out += (out.empty() ? "" : "|") + in_quotes(place.path);
  }
  return out;
}

// Shared by bash and zsh: finds the path among the words before the cursor.
std::string path_loop(const std::vector<Place>& places, std::string_view list) {
  return fmt::format(
      "  for word in {}; do\n"
      "    case \"${{at:+$at }}$word\" in\n"
      "      {}) at=\"${{at:+$at }}$word\" ;;\n"
      "    esac\n"
      "  done\n",
      list, patterns(places));
}

std::string bash(const std::vector<Place>& places) {
  std::string out =
      "# bash completion of sallyport: source it, or put it into /etc/bash_completion.d/\n"
      "_sallyport() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} at= commands= options= word\n" +
      path_loop(places, "\"${COMP_WORDS[@]:1:COMP_CWORD-1}\"") + "  case \"$at\" in\n";
  for (const Place& place : places) {
    out += fmt::format("    {}) commands={} options={} ;;\n", in_quotes(place.path),
                       in_quotes(words(place.commands)), in_quotes(words(place.options)));
  }
  return out +
         "  esac\n"
         "  if [[ $cur == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
         "  elif [[ ${COMP_WORDS[COMP_CWORD-1]} != -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$commands\" -- \"$cur\"))\n"
         "  fi\n"
         "}\n"
         "complete -o default -F _sallyport sallyport\n";
}

std::string described(const std::vector<Word>& list) {
  std::string out;
  for (const Word& word : list) {
    std::string text = word.text + ":" + word.description;
    out += (out.empty() ? "" : " ") + in_quotes(text);
  }
  return out;
}

std::string zsh(const std::vector<Place>& places) {
  std::string out =
      "#compdef sallyport\n"
      "# zsh completion of sallyport: put it into a directory of $fpath as _sallyport\n"
      "_sallyport() {\n"
      "  local at= word\n"
      "  local -a commands options\n" +
      path_loop(places, "${words[2,CURRENT-1]}") + "  case \"$at\" in\n";
  for (const Place& place : places) {
    out += fmt::format("    {}) commands=({}) options=({}) ;;\n", in_quotes(place.path),
                       described(place.commands), described(place.options));
  }
  return out +
         "  esac\n"
         "  if [[ ${words[CURRENT]} == -* ]]; then\n"
         "    _describe option options\n"
         "  elif (( ${#commands} )) && [[ ${words[CURRENT-1]} != -* ]]; then\n"
         "    _describe command commands\n"
         "  else\n"
         "    _files\n"
         "  fi\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _sallyport ]; then _sallyport \"$@\"; else compdef _sallyport "
         "sallyport; fi\n";
}

// One quoting rule differs: a backslash stands before a quote within quotes.
std::string fish_quotes(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += (c == '\'' || c == '\\' ? "\\" : "") + std::string(1, c);
  return out + "'";
}

std::string fish_option(const std::string& condition, const Word& option) {
  bool is_long = option.text.starts_with("--");
  std::string name = option.text.substr(is_long ? 2 : 1);
  return fmt::format("complete -c sallyport -n {} -{} {} -d {}\n", condition, is_long ? 'l' : 's',
                     name, fish_quotes(option.description));
}

std::string fish(const std::vector<Place>& places) {
  std::string known;
  for (const Place& place : places) {
    if (!place.path.empty()) known += " " + fish_quotes(place.path);
  }
  std::string out =
      "# fish completion of sallyport: put it into ~/.config/fish/completions/sallyport.fish\n"
      "function __sallyport_path\n"
      "  set -l path\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    contains -- (string join ' ' $path $word)" +
      known +
      "; and set -a path $word\n"
      "  end\n"
      "  string join ' ' $path\n"
      "end\n"
      "function __sallyport_at\n"
      "  test (__sallyport_path | string collect -a) = \"$argv\"\n"
      "end\n";
  for (const Place& place : places) {
    std::string condition =
        fish_quotes("__sallyport_at" + (place.path.empty() ? "" : " " + place.path));
    for (const Word& word : place.commands) {
      out += fmt::format("complete -c sallyport -f -n {} -a {} -d {}\n", condition, word.text,
                         fish_quotes(word.description));
    }
    for (const Word& option : place.options) out += fish_option(condition, option);
  }
  return out;
}

}  // namespace

std::string completion_script(const CLI::App& program, Shell shell) {
  std::vector<Place> places;
  collect(program, "", places);
  switch (shell) {
    case Shell::bash:
      return bash(places);
    case Shell::zsh:
      return zsh(places);
    case Shell::fish:
      return fish(places);
  }
  return {};
}

}  // namespace sallyport::app
