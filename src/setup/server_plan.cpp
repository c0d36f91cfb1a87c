#include "setup/server_plan.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/diff.h"
#include "base/file.h"
#include "base/text.h"
#include "setup/managed_block.h"

namespace sallyport::setup {
namespace {

constexpr std::string_view kSettingsName = "sallyport.conf";

std::string conf_literal(std::string_view value) {
  std::string out = "'";
  for (char c : value) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

std::string settings_text(const ServerFiles& files, const std::string& minimum_tls) {
  std::string out = "# TLS for the gateway's configuration store; written by sallyport.\n";
  auto line = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out += fmt::format("{} = {}\n", name, conf_literal(value));
  };
  out += "ssl = on\n";
  line("ssl_cert_file", files.certificate);
  line("ssl_key_file", files.key);
  line("ssl_ca_file", files.authorities);
  line("ssl_crl_file", files.crl);
  line("ssl_crl_dir", files.crl_directory);
  line("ssl_min_protocol_version", minimum_tls);
  return out;
}

class Planner {
 public:
  Planner(const ServerLayout& server, const ServerRequest& request)
      : server_(server), request_(request) {}

  Result<ServerPlan> make() {
    plan_.faults = check(request_.files, request_.rules.method, server_.major);
    if (auto checked = check(request_.rules); !checked) {
      plan_.faults.push_back({true, checked.error().detail, checked.error().remedy});
    }
    if (!plan_.possible()) return std::move(plan_);
    ServerFiles used = request_.in_place ? use_in_place() : copy_files();
    for (auto step : {&Planner::write_settings, &Planner::write_rules}) {
      if (auto done = (this->*step)(used); !done) return fail(done.error());
    }
    return std::move(plan_);
  }

 private:
  Result<void> change(const std::string& path, uint32_t mode,
                      const std::function<std::string(std::string_view)>& edit,
                      bool secret = false) {
    std::optional<std::string> before;
    if (std::filesystem::exists(path)) {
      auto content = read_file(path);
      if (!content) return fail(content.error());
      before = std::move(*content);
    }
    std::string after = edit(before.value_or(""));
    if (before && *before == after) return {};
    if (before) {
      struct stat status;
      if (stat(path.c_str(), &status) == 0) mode = secret ? mode : status.st_mode & 07777;
    }
    plan_.changes.push_back({path, std::move(before), std::move(after), mode, secret});
    return {};
  }

  std::string copy(const std::string& from, const std::string& to, uint32_t mode, bool secret) {
    if (from.empty()) return "";
    auto content = read_file(from);
    if (!content) {
      plan_.faults.push_back({true, content.error().detail, ""});
      return to;
    }
    auto copied = change(to, mode, [&](std::string_view) { return *content; }, secret);
    if (!copied) plan_.faults.push_back({true, copied.error().detail, ""});
    return to;
  }

  ServerFiles copy_files() {
    std::string tls = server_.data_directory + "/tls";
    plan_.directories.push_back(tls);
    ServerFiles used;
    used.key = copy(request_.files.key, tls + "/server.key", 0600, true);
    used.certificate = copy(request_.files.certificate, tls + "/server.crt", 0600, false);
    used.authorities = copy(request_.files.authorities, tls + "/ca.crt", 0600, false);
    used.crl = copy(request_.files.crl, tls + "/ca.crl", 0600, false);
    if (!request_.files.crl_directory.empty()) {
      used.crl_directory = tls + "/crl";
      plan_.directories.push_back(used.crl_directory);
      for (const auto& entry : std::filesystem::directory_iterator(request_.files.crl_directory)) {
        std::string name = entry.path().filename().string();
        copy(entry.path().string(), used.crl_directory + "/" + name, 0600, false);
      }
    }
    return used;
  }

  // PostgreSQL demands of a key: its own user's and 0600, or root's and 0640.
  ServerFiles use_in_place() {
    auto absolute = [](const std::string& path) {
      return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
    };
    ServerFiles used = {absolute(request_.files.certificate), absolute(request_.files.key),
                        absolute(request_.files.authorities), absolute(request_.files.crl),
                        absolute(request_.files.crl_directory)};
    struct stat status;
    if (stat(used.key.c_str(), &status) == 0) {
      bool root_owned = status.st_uid == 0 && server_.owner != 0;
      bool readable =
          root_owned && status.st_gid == server_.group && (status.st_mode & 0777) == 0640;
      bool own = status.st_uid == server_.owner && (status.st_mode & 0077) == 0;
      if (!readable && !own) plan_.modes.emplace_back(used.key, 0600);
    }
    return used;
  }

  Result<void> write_settings(const ServerFiles& used) {
    bool included = !server_.include_directory.empty();
    std::filesystem::path base = std::filesystem::path(server_.config_file).parent_path();
    std::filesystem::path directory =
        included ? std::filesystem::path(server_.include_directory) : base;
    plan_.settings_file = (directory / kSettingsName).string();
    std::string text = settings_text(used, request_.minimum_tls);
    auto written = change(plan_.settings_file, 0644, [&](std::string_view) { return text; });
    if (!written || included) return written;
    return change(server_.config_file, 0600, [](std::string_view before) {
      return with_block(before, fmt::format("include = '{}'\n", kSettingsName), Place::bottom);
    });
  }

  Result<void> write_rules(const ServerFiles&) {
    auto hba = change(server_.hba_file, 0600, [&](std::string_view before) {
      for (const std::string& line : weaker_lines(without_block(before), request_.rules)) {
        plan_.notes.push_back(
            fmt::format("{}: the line `{}` is weaker; it comes after ours and is not reached by {}",
                        server_.hba_file, line, text::join(request_.rules.roles, ", ")));
      }
      return with_block(before, hba_lines(request_.rules), Place::top);
    });
    if (!hba) return hba;
    return change(server_.ident_file, 0600, [&](std::string_view before) {
      return with_block(before, ident_lines(request_.rules), Place::top);
    });
  }

  const ServerLayout& server_;
  const ServerRequest& request_;
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
  out += settings_text(request.files, request.minimum_tls);
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
