// What the doctor says: the findings, the conclusion, the pictures of the chains; as text for a
// terminal or a pipe, and as JSON of a stable structure. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "base/terminal.h"
#include "doctor/check.h"

namespace sallyport::doctor {

// One certificate of a chain, for the picture.
struct PictureLine {
  std::string name;
  std::string detail;  // "EC P-256, until 2031-02-28, 400 days left"
  std::string from;    // "sent by the server", "from the trust list"
  Verdict verdict = Verdict::ok;
};

struct ChainPicture {
  std::string host;
  std::vector<PictureLine> lines;  // root first
};

struct Report {
  std::string configuration;  // the file, or ""
  std::string link;           // "kong@db:5432/kong"; "" when the settings could not be read
  bool connected = false;
  bool encrypted = false;
  bool bad_configuration = false;
  std::vector<Finding> findings;
  std::vector<ChainPicture> chains;
  // When not connected: the finding that says why, in the words of its check.
  std::string reason_check;
  std::string reason;
  std::string remedy;

  // 0 connected as demanded, 1 not connected, 2 bad configuration or bad files.
  int exit_code() const;
  size_t count(Verdict verdict) const;
};

Report make_report(const Evidence& evidence);

std::string render_text(const Report& report, const TextStyle& style);

// {"version": 1, "connected": …, "exit_code": …, "findings": […], "chains": […], …}; documented in
// docs/doctor.md. Fields are added, never renamed.
Json render_json(const Report& report);

// The page about one check, and the list of all.
std::string explain(const Check& check, const TextStyle& style);
std::string explain_list(const TextStyle& style);

// The table of all checks for docs/doctor.md.
std::string checks_as_markdown();

}  // namespace sallyport::doctor
