// The doctor's vocabulary: a Check is one row of the table of everything that it can find out; it
// reads the gathered Evidence and states Findings. Checks are pure functions: they open nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::doctor {

struct Evidence;

enum class Verdict : uint8_t { ok, warn, fail, skipped };
std::string_view word(Verdict verdict);  // "ok", "warn", "fail", "skipped"

// The steps of the walk, in their order.
enum class Stage : uint8_t {
  configuration,
  files,
  network,
  tls,
  chain,
  client_certificate,
  session,
  database,
  server,
};
std::string_view word(Stage stage);   // "client_certificate"
std::string_view title(Stage stage);  // "Client certificate"

struct Finding {
  std::string_view check;  // the id of its check
  Stage stage = Stage::configuration;
  Verdict verdict = Verdict::ok;
  std::string subject;   // the file, the host, the setting; "" where there is only one
  std::string evidence;  // what was seen
  std::string cause;     // why, in plain words; "" when ok
  std::string remedy;    // a command or a setting; "" when there is nothing to do
};

// What a check writes into: stamps every finding with the check's id and stage. Once the link is
// known to be up, a fault is a warning: it does not stop the link today.
class Findings {
 public:
  Findings(std::vector<Finding>& out, std::string_view check, Stage stage, bool connected)
      : out_(out), check_(check), stage_(stage), connected_(connected) {}

  void ok(std::string subject, std::string evidence);
  void warn(std::string subject, std::string evidence, std::string cause, std::string remedy);
  void fail(std::string subject, std::string evidence, std::string cause, std::string remedy);
  void skip(std::string subject, std::string reason);
  void add(Verdict verdict, std::string subject, std::string evidence, std::string cause,
           std::string remedy);

  bool any() const { return any_; }
  std::string_view check() const { return check_; }

 private:
  std::vector<Finding>& out_;
  std::string_view check_;
  Stage stage_;
  bool connected_;
  bool any_ = false;
};

struct Check {
  std::string_view id;  // stable: scripts and documentation name it
  Stage stage;
  std::string_view title;        // one line
  std::string_view explanation;  // a page: what is looked at, why it matters, what to do
  void (*examine)(const Evidence&, Findings&);
};

// Every check, in the order of the walk.
std::span<const Check> checks();
const Check* find_check(std::string_view id);

// Runs every check over the evidence.
std::vector<Finding> examine(const Evidence& evidence);

}  // namespace sallyport::doctor
