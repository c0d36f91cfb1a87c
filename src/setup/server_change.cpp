#include "setup/server_change.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/staged_files.h"
#include "base/text.h"

namespace sallyport::setup {
namespace {

std::string stamp() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

Result<void> give_to_server(const ServerLayout& server, const std::string& path, uint32_t mode) {
  if (geteuid() == 0 && chown(path.c_str(), server.owner, server.group) != 0) {
    return fail("setup.owner", Side::config,
                fmt::format("cannot give {} to {}: {}", path, server.owner_name, strerror(errno)));
  }
  if (chmod(path.c_str(), mode) != 0) {
    return fail("setup.owner", Side::config,
                fmt::format("cannot set the mode of {}: {}", path, strerror(errno)));
  }
  return {};
}

class Changer {
 public:
  Changer(const ServerLayout& server, const ServerPlan& plan) : server_(server), plan_(plan) {}

  Result<ChangeReport> carry_out() {
    std::vector<std::string> before = faults_now();
    auto written = write();
    if (written && server_.running) written = validate(before);
    if (!written) {
      put_back();
      return fail(written.error());
    }
    if (server_.running) {
      if (auto reloaded = reload(); !reloaded) return fail(reloaded.error());
    }
    return std::move(report_);
  }

 private:
  Result<void> write() {
    for (const std::string& directory : plan_.directories) {
      if (auto made = make_directories(directory, 0700); !made) return made;
      if (auto given = give_to_server(server_, directory, 0700); !given) return given;
    }
    std::string suffix = ".sallyport-" + stamp();
    for (const FileChange& file : plan_.changes) {
      if (!file.before) continue;
      struct stat status;
      uint32_t mode = stat(file.path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0600;
      std::string backup = file.path + suffix;
      if (auto saved = write_file_atomically(backup, *file.before, mode); !saved) return saved;
      if (geteuid() == 0 && chown(backup.c_str(), status.st_uid, status.st_gid) != 0) {
        return fail("setup.owner", Side::config, fmt::format("cannot set the owner of {}", backup));
      }
      report_.backups.push_back(backup);
    }
    StagedFiles files;
    for (const FileChange& file : plan_.changes) {
      if (auto staged = files.stage(file.path, file.after, file.mode); !staged) return staged;
    }
    if (auto committed = files.commit(); !committed) return committed;
    for (const FileChange& file : plan_.changes) {
      if (file.before && !file.secret) continue;  // keeps the owner that it had
      if (auto given = give_to_server(server_, file.path, file.mode); !given) return given;
    }
    for (const auto& [path, mode] : plan_.modes) {
      if (auto given = give_to_server(server_, path, mode); !given) return given;
    }
    return {};
  }

  // What the server finds wrong in its files at this moment.
  std::vector<std::string> faults_now() {
    std::vector<std::string> faults;
    if (!server_.running) return faults;
    auto session = open_local_session(server_);
    if (!session) return faults;
    for (const char* sql :
         // That a hostssl line cannot match yet is a remark on ssl = off, which is about to end.
         {"select 'pg_hba.conf line ' || line_number || ': ' || error from pg_hba_file_rules "
          "where error is not null and error not like '%because SSL is disabled'",
          "select coalesce(sourcefile, '') || ':' || coalesce(sourceline::text, '') || ' ' || "
          "coalesce(name, '') || ': ' || error from pg_file_settings where error is not null"}) {
      auto rows = session->query(sql);
      if (!rows) continue;
      for (const auto& row : *rows) faults.push_back(row[0]);
    }
    return faults;
  }

  Result<void> validate(const std::vector<std::string>& before) {
    for (const std::string& fault : faults_now()) {
      bool old = std::ranges::find(before, fault) != before.end();
      if (old) continue;
      return fail("setup.refused", Side::database,
                  fmt::format("the server would not load what was written: {}", fault),
                  "everything was put back as it was");
    }
    auto session = open_local_session(server_);
    if (!session) return fail(session.error());
    // A later file, postgresql.auto.conf first of all, may win over ours.
    auto rows = session->query(
        "select ours.name, coalesce(other.sourcefile, '') from pg_file_settings ours "
        "left join pg_file_settings other on other.name = ours.name and other.applied "
        "where ours.sourcefile = $1 and not ours.applied and ours.error is null",
        {plan_.settings_file});
    if (rows && !rows->empty()) {
      return fail("setup.overridden", Side::config,
                  fmt::format("{} is set again in {}, which wins", (*rows)[0][0], (*rows)[0][1]),
                  fmt::format("ALTER SYSTEM RESET {} (or remove it there); everything was put back",
                              (*rows)[0][0]));
    }
    report_.validated = true;
    return {};
  }

  Result<void> reload() {
    auto session = open_local_session(server_);
    if (!session) return fail(session.error());
    auto rows = session->query("select pg_reload_conf()");
    if (!rows) return fail(rows.error());
    usleep(300'000);  // the postmaster reads its files after it answered
    report_.reloaded = true;
    return {};
  }

  void put_back() {
    StagedFiles files;
    for (const FileChange& file : plan_.changes) {
      if (file.before) {
        (void)files.stage(file.path, *file.before, file.mode);
      } else {
        unlink(file.path.c_str());
      }
    }
    (void)files.commit();
    for (const std::string& backup : report_.backups) unlink(backup.c_str());
  }

  const ServerLayout& server_;
  const ServerPlan& plan_;
  ChangeReport report_;
};

}  // namespace

Result<ChangeReport> apply(const ServerLayout& server, const ServerPlan& plan) {
  if (geteuid() != 0 && geteuid() != server.owner) {
    return fail("setup.owner", Side::config,
                fmt::format("only root or {} may change the server's files", server.owner_name),
                "run the command with sudo");
  }
  return Changer(server, plan).carry_out();
}

}  // namespace sallyport::setup
