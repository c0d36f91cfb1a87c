// From the words of a failed connection to its reason: which check it belongs to, the cause in
// plain words and the remedy. Knows where the server's words mislead, and looks at the evidence
// before it believes them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sallyport::doctor {

struct Evidence;

struct Diagnosis {
  std::string_view check;  // the id of the check that the failure belongs to
  std::string cause;       // "": the check's own finding says it
  std::string remedy;
};

// The words of the host that counts: the link appends what it heard from the others.
std::string_view decisive_words(const Error& error);

// True for faults of settings and files: no server has been asked anything.
bool is_file_fault(const Error& error);

// Nothing when the link is up or was not tried.
std::optional<Diagnosis> diagnose(const Evidence& evidence);

}  // namespace sallyport::doctor
