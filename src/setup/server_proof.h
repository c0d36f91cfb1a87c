// Proves a server's setup by connecting to it: in the ways that must work, and in those that must
// not. Main thread of a command; blocking, each try bounded by the settings' timeout.
#pragma once

#include <string>
#include <vector>

#include "postgres/link_settings.h"
#include "setup/access_rules.h"

namespace sallyport::setup {

struct Trial {
  enum class Outcome : uint8_t { as_demanded, wrong, inconclusive };
  std::string what;  // "mutual TLS as kong", "plain text"
  bool must_connect = true;
  Outcome outcome = Outcome::inconclusive;
  std::string seen;  // what happened, in the server's or the link's words
};

// `link` is a complete, verifying link with the client certificate or password that the rules
// want. Tries it, then what must be refused: plain text, TLS without the client certificate, with
// another role's name, with a wrong password.
std::vector<Trial> prove(const postgres::LinkSettings& link, const AccessRules& rules);

}  // namespace sallyport::setup
