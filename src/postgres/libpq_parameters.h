// What libpq is told. It takes from the environment, service files, ~/.pgpass and ~/.postgresql
// whatever it is not told, so everything is told, and the variables are removed from our process.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "postgres/link_settings.h"

namespace sallyport::postgres {

enum class Encryption : uint8_t { plain, tls };

// Where to connect: libpq never resolves, the address is ours.
struct LinkTarget {
  std::string host;     // for SNI, the host name check, messages
  std::string address;  // literal
};

// Null-terminated arrays for PQconnectStartParams. The password is borrowed from the settings.
class LibpqParameters {
 public:
  LibpqParameters(const LinkSettings& settings, const LinkTarget& target, Encryption encryption);

  LibpqParameters(LinkSettings&&, const LinkTarget&, Encryption) = delete;  // would dangle

  const char* const* keywords() const { return keywords_.data(); }
  const char* const* values() const { return values_.data(); }

  // The value of one keyword, "" when it is not given. For tests.
  std::string value(std::string_view keyword) const;

 private:
  void set(const char* keyword, std::string value);

  std::deque<std::string> storage_;
  std::vector<const char*> keywords_;
  std::vector<const char*> values_;
};

// Removes every variable that libpq would read (PGHOST, PGSERVICE, PGOPTIONS, ...) from this
// process. Done before every connection, where it changes nothing but the first time; call it from
// main() when threads that read the environment are started before that.
void forget_libpq_environment();

}  // namespace sallyport::postgres
