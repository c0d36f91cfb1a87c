#include "setup/server_plan.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/diff.h"
#include "base/file.h"
#include "base/text.h"
#include "setup/file_access.h"
#include "setup/managed_block.h"
#include "setup/server_config.h"

namespace sallyport::setup {
namespace {

constexpr std::string_view kSettingsName = "sallyport.conf";

std::string conf_literal(std::string_view value) {
  std::string out = "'";
  for (char c : value) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

using Setting = std::pair<std::string, std::string>;

std::vector<Setting> settings_of(const ServerFiles& files, const std::string& minimum_tls) {
  std::vector<Setting> settings = {{"ssl", "on"},
                                   {"ssl_cert_file", files.certificate},
                                   {"ssl_key_file", files.key},
                                   {"ssl_ca_file", files.authorities},
                                   {"ssl_crl_file", files.crl},
                                   {"ssl_crl_dir", files.crl_directory},
                                   {"ssl_min_protocol_version", minimum_tls}};
  std::erase_if(settings, [](const Setting& setting) { return setting.second.empty(); });
  return settings;
}

std::string settings_text(const std::vector<Setting>& settings) {
  std::string out = "# TLS for the gateway's configuration store; written by sallyport.\n";
  for (const auto& [name, value] : settings) {
    out += fmt::format("{} = {}\n", name, name == "ssl" ? value : conf_literal(value));
  }
  return out;
}

class Planner {
 public:
  Planner(const ServerLayout& server, const ServerRequest& request)
      : server_(server), request_(request), user_{server.owner, server.group, server.owner_name} {}

  Result<ServerPlan> make() {
    plan_.faults = check(request_.files, request_.rules.method, server_.major);
    if (auto checked = check(request_.rules); !checked) {
      fault(checked.error().detail, checked.error().remedy);
    }
    if (!plan_.possible()) return std::move(plan_);
    plan_.used = request_.in_place ? use_in_place() : copy_files();
    for (auto step : {&Planner::write_settings, &Planner::write_rules, &Planner::check_winners}) {
      if (auto done = (this->*step)(); !done) return fail(done.error());
    }
    return std::move(plan_);
  }

 private:
  void fault(std::string text, std::string remedy = {}) {
    plan_.faults.push_back({true, std::move(text), std::move(remedy)});
  }

  Result<void> change(const std::string& path, uint32_t mode,
                      const std::function<std::string(std::string_view)>& edit, bool servers,
                      bool secret = false) {
    if (std::string astray = leads_astray(user_, path); !astray.empty()) {
      fault(astray, "replace it with a file, or write through it by hand");
      return {};
    }
    std::optional<std::string> before;
    struct stat status{};
    if (stat(path.c_str(), &status) == 0) {
      auto content = read_file(path);
      if (!content) return fail(content.error());
      before = std::move(*content);
    }
    std::string after = edit(before.value_or(""));
    if (before && !servers) mode = status.st_mode & 07777;
    bool rights = !servers || (status.st_uid == server_.owner && (status.st_mode & 07777) == mode);
    if (before && *before == after) {
      // A run that was cut off may have left it as root's.
      if (!rights) plan_.modes.emplace_back(path, mode);
      return {};
    }
    std::string real = before ? std::filesystem::canonical(path).string() : path;
    plan_.changes.push_back({real, std::move(before), std::move(after), mode, secret, servers});
    return {};
  }

  std::string copy(const std::string& from, const std::string& to, bool secret = false) {
    if (from.empty()) return "";
    auto content = read_file(from);
    if (!content) {
      fault(content.error().detail);
      return to;
    }
    auto copied = change(to, 0600, [&](std::string_view) { return *content; }, true, secret);
    if (!copied) fault(copied.error().detail, copied.error().remedy);
    return to;
  }

  ServerFiles copy_files() {
    std::string tls = server_.data_directory + "/tls";
    if (std::filesystem::is_symlink(tls)) fault(tls + " is a link", "replace it with a directory");
    plan_.directories.push_back(tls);
    ServerFiles used;
    used.key = copy(request_.files.key, tls + "/server.key", true);
    used.certificate = copy(request_.files.certificate, tls + "/server.crt");
    used.authorities = copy(request_.files.authorities, tls + "/ca.crt");
    used.crl = copy(request_.files.crl, tls + "/ca.crl");
    if (request_.files.crl_directory.empty()) return used;
    used.crl_directory = tls + "/crl";
    plan_.directories.push_back(used.crl_directory);
    for (const auto& entry : std::filesystem::directory_iterator(request_.files.crl_directory)) {
      std::string name = entry.path().filename().string();
      if (is_hashed_crl_name(name)) copy(entry.path().string(), used.crl_directory + "/" + name);
    }
    return used;
  }

  ServerFiles use_in_place() {
    auto absolute = [](const std::string& path) {
      return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
    };
    ServerFiles used = {absolute(request_.files.certificate), absolute(request_.files.key),
                        absolute(request_.files.authorities), absolute(request_.files.crl),
                        absolute(request_.files.crl_directory)};
    for (const std::string& path :
         {used.certificate, used.authorities, used.crl, used.crl_directory}) {
      if (!path.empty()) check_readable(path);
    }
    if (accepts_key(user_, used.key)) {
      check_readable(used.key);
    } else {
      check_readable(std::filesystem::path(used.key).parent_path().string());
      plan_.modes.emplace_back(used.key, 0600);
    }
    return used;
  }

  void check_readable(const std::string& path) {
    std::string barred = what_bars(user_, path);
    if (barred.empty()) return;
    fault(fmt::format("{}: the server could not use it in place", barred),
          "leave --in-place out, so that it is copied; or open the way to it");
  }

  Result<void> write_settings() {
    std::string base = std::filesystem::path(server_.config_file).parent_path().string();
    bool included = !server_.include_directory.empty();
    plan_.settings_file =
        fmt::format("{}/{}", included ? server_.include_directory : base, kSettingsName);
    auto settings = settings_of(plan_.used, request_.minimum_tls);
    for (const auto& [name, value] : settings) plan_.settings.push_back(name);
    std::string text = settings_text(settings);
    auto written = change(plan_.settings_file, 0644, [&](std::string_view) { return text; }, true);
    if (!written || included) return written;
    return change(
        server_.config_file, 0600,
        [](std::string_view before) {
          return with_block(before, fmt::format("include = '{}'\n", kSettingsName), Place::bottom);
        },
        false);
  }

  // The first line that matches decides, so ours come before all that may match.
  std::string with_rules(std::string_view before) {
    std::string others = without_block(before);
    for (const std::string& line : weaker_lines(others, request_.rules)) {
      plan_.notes.push_back(
          fmt::format("{}: the line `{}` is weaker; {}", server_.hba_file, line,
                      covers_all(request_.rules)
                          ? fmt::format("ours come first, so it no longer lets {} in",
                                        text::join(request_.rules.roles, ", "))
                          : "it still lets in what ours leave out (--address, --keep-plain)"));
    }
    std::string lines = hba_lines(request_.rules);
    if (matching_lines(before_block(before), request_.rules).empty()) {
      return with_block(before, lines, Place::top);
    }
    plan_.notes.push_back(fmt::format(
        "{}: lines above ours would match first; ours move to the top", server_.hba_file));
    return with_block(others, lines, Place::top);
  }

  Result<void> write_rules() {
    auto hba = change(
        server_.hba_file, 0600, [&](std::string_view before) { return with_rules(before); }, false);
    if (!hba) return hba;
    return change(
        server_.ident_file, 0600,
        [&](std::string_view before) {
          return with_block(before, ident_lines(request_.rules), Place::top);
        },
        false);
  }

  // Whether what we write is what the server will read: a later line may win over ours.
  Result<void> check_winners() {
    PlannedFiles planned;
    for (const FileChange& file : plan_.changes) planned[file.path] = file.after;
    auto config = ServerConfig::read(server_.config_file, server_.data_directory, planned);
    if (!config) return fail(config.error());
    for (const std::string& name : plan_.settings) {
      const ConfigLine* line = config->find(name);
      if (!line || same(line->file, plan_.settings_file)) continue;
      bool by_statement = line->file.ends_with("/postgresql.auto.conf");
      fault(fmt::format("{}:{} sets {} = '{}', and wins over what would be written", line->file,
                        line->line, name, line->value),
            by_statement ? fmt::format("ALTER SYSTEM RESET {}; or, while the server is stopped, "
                                       "remove the line",
                                       name)
                         : "remove that line");
    }
    // The words are in order: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.
    if (const ConfigLine* most = config->find("ssl_max_protocol_version");
        most && !most->value.empty() && most->value < request_.minimum_tls) {
      fault(fmt::format("{}:{} sets ssl_max_protocol_version = {}, below --min-tls {}: the server "
                        "would not start",
                        most->file, most->line, most->value, request_.minimum_tls),
            "raise it, or choose a lower --min-tls");
    }
    check_lists_of_others(*config);
    return {};
  }

  // Lists that the server is told of elsewhere must suit the authorities that it gets now.
  void check_lists_of_others(const ServerConfig& config) {
    if (plan_.used.authorities.empty()) return;
    ServerFiles files;
    files.authorities = request_.files.authorities;
    auto other = [&](std::string_view name) -> std::string {
      const ConfigLine* line = config.find(name);
      if (!line || line->value.empty() || same(line->file, plan_.settings_file)) return "";
      if (line->value.starts_with('/')) return line->value;
      return server_.data_directory + "/" + line->value;
    };
    files.crl = other("ssl_crl_file");
    files.crl_directory = other("ssl_crl_dir");
    for (FileFault& found : check_revocation(files)) {
      found.remedy += "; it is named outside of " + plan_.settings_file;
      plan_.faults.push_back(std::move(found));
    }
  }

  static bool same(const std::string& a, const std::string& b) {
    return std::filesystem::weakly_canonical(a) == std::filesystem::weakly_canonical(b);
  }

  const ServerLayout& server_;
  const ServerRequest& request_;
  const ServerUser user_;
  ServerPlan plan_;
};

}  // namespace

bool ServerPlan::possible() const {
  return std::ranges::none_of(faults, &FileFault::fatal);
}

std::string ServerPlan::diff() const {
  std::string out;
  for (const FileChange& file : changes) {
    if (file.secret) {
      out += fmt::format("{} {} (a private key, mode {:04o})\n", file.before ? "replace" : "create",
                         file.path, file.mode);
    } else {
      out += unified_diff(file.before.value_or(""), file.after, file.path);
    }
  }
  for (const auto& [path, mode] : modes) {
    out += fmt::format("chmod {:04o} {}, owned by the server's user\n", mode, path);
  }
  return out;
}

Result<ServerPlan> plan(const ServerLayout& server, const ServerRequest& request) {
  try {
    return Planner(server, request).make();
  } catch (const std::filesystem::filesystem_error& error) {
    return fail("setup.files", Side::config, error.what());
  }
}

std::string instructions(const ServerRequest& request) {
  std::string out = "# Server settings (console, parameter group, or postgresql.conf):\n\n";
  out += settings_text(settings_of(request.files, request.minimum_tls));
  out += "\n# pg_hba.conf, before any other `host` line for these roles:\n\n";
  out += hba_lines(request.rules);
  if (std::string lines = ident_lines(request.rules); !lines.empty()) {
    out += "\n# pg_ident.conf:\n\n" + lines;
  }
  out += "\n# Then, as a superuser:\n\nSELECT pg_reload_conf();\n";
  out += "SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL;\n";
  out += "SELECT sourcefile, sourceline, error FROM pg_file_settings WHERE error IS NOT NULL;\n";
  return out;
}

}  // namespace sallyport::setup
