#include "setup/server_config.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"

namespace sallyport::setup {
namespace {

constexpr int kDeepest = 10;  // PostgreSQL's own limit

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

std::string absolute(const std::string& path, const std::string& base) {
  return path.starts_with('/') ? path : base + "/" + path;
}

std::string lower(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// What stands between quotes: '' and \' are a quote, \x is x (octal and \n are nobody's path).
std::string unquote(std::string_view text) {
  std::string out;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      out += text[++i];
    } else if (text[i] == '\'') {
      if (i + 1 >= text.size() || text[i + 1] != '\'') break;
      out += text[++i];
    } else {
      out += text[i];
    }
  }
  return out;
}

bool word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '$';
}

// `name = value`, `name value`; false for a comment or an empty line.
bool parse_line(std::string_view line, std::string& name, std::string& value) {
  line = text::trim(line);
  size_t end = 0;
  while (end < line.size() && word_character(line[end])) ++end;
  if (end == 0) return false;
  name = lower(line.substr(0, end));
  line = text::trim(line.substr(end));
  if (line.starts_with('=')) line = text::trim(line.substr(1));
  value = line.starts_with('\'') ? unquote(line)
                                 : std::string(line.substr(0, line.find_first_of(" \t#")));
  return true;
}

}  // namespace

class ServerConfig::Reader {
 public:
  Reader(const PlannedFiles& planned, std::vector<ConfigLine>& lines)
      : planned_(planned), lines_(lines) {}

  Result<void> file(const std::string& path, int depth, bool optional) {
    if (depth > kDeepest) {
      return fail("setup.config_file", Side::config, fmt::format("{} is included too deep", path));
    }
    auto planned = planned_.find(path);
    auto content =
        planned != planned_.end() ? Result<std::string>(planned->second) : read_file(path);
    if (!content) {
      if (optional && content.error().code == "file.missing") return {};
      return fail("setup.config_file", Side::config, content.error().detail,
                  "the server would not start with it; mend that first");
    }
    int number = 0;
    for (std::string_view line : text::split(*content, '\n')) {
      if (auto taken = take(path, line, ++number, depth); !taken) return taken;
    }
    return {};
  }

 private:
  Result<void> take(const std::string& path, std::string_view line, int number, int depth) {
    std::string name;
    std::string value;
    if (!parse_line(line, name, value)) return {};
    if (name == "include" || name == "include_if_exists") {
      return file(absolute(value, directory_of(path)), depth + 1, name != "include");
    }
    if (name != "include_dir") {
      lines_.push_back({name, value, path, number});
      return {};
    }
    std::string directory = absolute(value, directory_of(path));
    lines_.push_back({name, directory, path, number});
    return files_of(directory, depth);
  }

  Result<void> files_of(const std::string& directory, int depth) {
    std::set<std::string> paths;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      paths.insert(entry.path().string());
    }
    for (const auto& [path, content] : planned_) {
      if (directory_of(path) == directory) paths.insert(path);
    }
    for (const std::string& path : paths) {
      std::string name = std::filesystem::path(path).filename().string();
      if (name.starts_with('.') || !name.ends_with(".conf")) continue;
      if (auto read = file(path, depth + 1, false); !read) return read;
    }
    return {};
  }

  const PlannedFiles& planned_;
  std::vector<ConfigLine>& lines_;
};

Result<ServerConfig> ServerConfig::read(const std::string& config_file,
                                        const std::string& data_directory,
                                        const PlannedFiles& planned) {
  ServerConfig config;
  Reader reader(planned, config.lines_);
  if (auto read = reader.file(config_file, 0, false); !read) return fail(read.error());
  auto read = reader.file(data_directory + "/postgresql.auto.conf", 0, true);
  if (!read) return fail(read.error());
  return config;
}

const ConfigLine* ServerConfig::find(std::string_view name) const {
  auto found = std::find_if(lines_.rbegin(), lines_.rend(),
                            [&](const ConfigLine& line) { return line.name == name; });
  return found == lines_.rend() ? nullptr : &*found;
}

std::string ServerConfig::value(std::string_view name) const {
  const ConfigLine* line = find(name);
  return line ? line->value : "";
}

}  // namespace sallyport::setup
