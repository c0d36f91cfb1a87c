#include "setup/server_change.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <ranges>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/file.h"
#include "base/staged_files.h"
#include "setup/file_access.h"
#include "setup/server_verdict.h"

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
    return fail(
        "setup.owner", Side::config,
        fmt::format("cannot give {} to {}: {}", path, server.owner_name, errno_text(errno)));
  }
  if (chmod(path.c_str(), mode) != 0) {
    return fail("setup.owner", Side::config,
                fmt::format("cannot set the mode of {}: {}", path, errno_text(errno)));
  }
  return {};
}

// What is left of a change that must not stay.
class Undo {
 public:
  void replace(std::string backup, std::string path) {
    replaced_.emplace_back(std::move(backup), std::move(path));
  }
  void remove(std::string path) { made_.push_back(std::move(path)); }
  void remove_directory(std::string path) { directories_.push_back(std::move(path)); }
  Result<void> keep_owner(const std::string& path) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) {
      return fail("setup.owner", Side::config, fmt::format("{}: {}", path, errno_text(errno)));
    }
    owners_.emplace_back(path, FileOwner{status.st_uid, status.st_gid, status.st_mode & 07777});
    return {};
  }

  // A backup is the file itself, owner and mode included: renaming it needs no space.
  std::string carry_out() {
    std::string failed;
    for (const auto& [backup, path] : replaced_) {
      if (rename(backup.c_str(), path.c_str()) == 0) continue;
      failed += fmt::format("; {} could not be put back ({}): its backup is {}", path,
                            errno_text(errno), backup);
    }
    for (const std::string& path : made_) unlink(path.c_str());
    for (const auto& [path, owner] : owners_) {
      if (chown(path.c_str(), owner.uid, owner.gid) != 0 || chmod(path.c_str(), owner.mode) != 0) {
        failed += fmt::format("; owner and mode of {} could not be put back", path);
      }
    }
    for (const std::string& path : std::views::reverse(directories_)) rmdir(path.c_str());
    return failed;
  }

 private:
  std::vector<std::pair<std::string, std::string>> replaced_;
  std::vector<std::string> made_;
  std::vector<std::pair<std::string, FileOwner>> owners_;
  std::vector<std::string> directories_;
};

class Changer {
 public:
  Changer(const ServerLayout& server, const ServerPlan& plan) : server_(server), plan_(plan) {}

  Result<ChangeReport> carry_out() {
    if (auto judged = judge_before(server_, plan_); !judged) return fail(judged.error());
    auto done = write();
    bool read = false;
    if (done && server_.running) done = let_server_judge(read);
    if (done) return std::move(report_);
    Error error = done.error();
    if (std::string left = undo_.carry_out(); !left.empty()) error.detail += left;
    if (read) {
      if (auto again = reload(server_); !again) error.detail += "; " + again.error().text();
    }
    return fail(std::move(error));
  }

 private:
  Result<void> write() {
    if (auto made = make_directories(); !made) return made;
    if (auto saved = save(); !saved) return saved;
    StagedFiles files;
    for (const FileChange& file : plan_.changes) {
      StagedFiles::remove_leftovers(file.path);
      if (auto staged = files.stage(file.path, file.after, file.mode); !staged) return staged;
    }
    for (const FileChange& file : plan_.changes) {
      if (!file.before) undo_.remove(file.path);
    }
    if (auto committed = files.commit(); !committed) return committed;
    for (const FileChange& file : plan_.changes) {
      if (!file.servers && file.before) continue;  // keeps the owner that it had
      if (auto given = give_to_server(server_, file.path, file.mode); !given) return given;
    }
    for (const auto& [path, mode] : plan_.modes) {
      if (auto kept = undo_.keep_owner(path); !kept) return kept;
      if (auto given = give_to_server(server_, path, mode); !given) return given;
    }
    return {};
  }

  Result<void> make_directories() {
    for (const std::string& directory : plan_.directories) {
      if (access(directory.c_str(), F_OK) != 0) undo_.remove_directory(directory);
      if (auto made = sallyport::make_directories(directory, 0700); !made) return made;
      if (auto given = give_to_server(server_, directory, 0700); !given) return given;
    }
    return {};
  }

  Result<void> save() {
    std::string suffix = ".sallyport-" + stamp();
    for (const FileChange& file : plan_.changes) {
      if (!file.before) continue;
      struct stat status;
      if (stat(file.path.c_str(), &status) != 0) continue;
      std::string backup = file.path + suffix;
      for (int i = 2; access(backup.c_str(), F_OK) == 0; ++i) {
        backup = fmt::format("{}{}-{}", file.path, suffix, i);
      }
      auto saved = write_file_atomically(backup, *file.before, status.st_mode & 07777);
      if (!saved) return saved;
      undo_.replace(backup, file.path);
      if (geteuid() == 0 && chown(backup.c_str(), status.st_uid, status.st_gid) != 0) {
        return fail("setup.owner", Side::config, fmt::format("cannot set the owner of {}", backup));
      }
      report_.backups.push_back(backup);
    }
    return {};
  }

  // `read` says whether the server has what was written.
  Result<void> let_server_judge(bool& read) {
    if (auto judged = judge_written(server_, plan_); !judged) return judged;
    report_.validated = read = true;
    if (auto reloaded = reload(server_); !reloaded) return reloaded;
    auto remark = judge_in_use(server_, plan_);
    if (!remark) return fail(remark.error());
    report_.reloaded = true;
    report_.remark = *remark;
    return {};
  }

  const ServerLayout& server_;
  const ServerPlan& plan_;
  ChangeReport report_;
  Undo undo_;
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
