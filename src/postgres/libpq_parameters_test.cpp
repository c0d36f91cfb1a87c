#include "postgres/libpq_parameters.h"

#include <cstdlib>
#include <set>

#include <gtest/gtest.h>
#include <libpq-fe.h>

namespace sallyport::postgres {
namespace {

const LinkTarget kTarget{"db.test", "127.0.0.1"};

LinkSettings full() {
  LinkSettings settings;
  settings.user = "kong";
  settings.database = "kong";
  settings.password = Secret("kongpass");
  settings.ssl = settings.verify = true;
  return settings;
}

// Whatever a future libpq learns to read from the environment fails here first.
TEST(LibpqParameters, LeaveNothingToTheEnvironment) {
  std::set<std::string> variables;
  PQconninfoOption* options = PQconndefaults();
  for (PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->envvar != nullptr) variables.insert(option->envvar);
  }
  PQconninfoFree(options);
  variables.insert({"PGSERVICE", "PGSERVICEFILE", "PGOPTIONS", "PGSYSCONFDIR", "PGTZ"});
  for (const std::string& name : variables) setenv(name.c_str(), "hostile", 1);
  forget_libpq_environment();
  for (const std::string& name : variables) EXPECT_EQ(getenv(name.c_str()), nullptr) << name;
}

TEST(LibpqParameters, FillEveryOptionThatMatters) {
  const LinkSettings settings = full();
  LibpqParameters parameters(settings, kTarget, Encryption::tls);
  // Without a variable, without a file behind it, or removed with the environment.
  const std::set<std::string> left_out = {"service",     "authtype",    "options", "sslpassword",
                                          "replication", "requirepeer", "gsslib",  "krbsrvname"};
  PQconninfoOption* options = PQconndefaults();
  for (PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (left_out.contains(option->keyword)) continue;
    EXPECT_NE(parameters.value(option->keyword), "") << option->keyword;
  }
  PQconninfoFree(options);
}

TEST(LibpqParameters, NeverLeaveEncryptionToChance) {
  for (int bits = 0; bits < 16; ++bits) {
    LinkSettings settings = full();
    settings.ssl_required = bits & 1;
    settings.verify = bits & 2;
    settings.verify_host = bits & 4;
    bool tls = bits & 8;
    LibpqParameters parameters(settings, kTarget, tls ? Encryption::tls : Encryption::plain);
    std::string expected = !tls                   ? "disable"
                           : !settings.verify     ? "require"
                           : settings.verify_host ? "verify-full"
                                                  : "verify-ca";
    EXPECT_EQ(parameters.value("sslmode"), expected);
    EXPECT_EQ(parameters.value("gssencmode"), "disable");
    // A root file would turn `require` into verify-ca.
    EXPECT_EQ(parameters.value("sslrootcert") == "/dev/null/none", !tls || !settings.verify);
  }
}

TEST(LibpqParameters, TakeVersionsExactly) {
  auto range = [](TlsVersion version) {
    LinkSettings settings = full();
    settings.version = version;
    LibpqParameters parameters(settings, kTarget, Encryption::tls);
    return parameters.value("ssl_min_protocol_version") + ".." +
           parameters.value("ssl_max_protocol_version");
  };
  EXPECT_EQ(range(TlsVersion::tls1_1), "TLSv1.1..TLSv1.1");
  EXPECT_EQ(range(TlsVersion::tls1_2), "TLSv1.2..TLSv1.2");
  EXPECT_EQ(range(TlsVersion::tls1_3), "TLSv1.3..TLSv1.3");
  EXPECT_EQ(range(TlsVersion::any), "TLSv1.1..TLSv1.3");
}

TEST(LibpqParameters, NameHostAndAddress) {
  const LinkSettings settings = full();
  LibpqParameters parameters(settings, kTarget, Encryption::tls);
  EXPECT_EQ(parameters.value("host"), "db.test");
  EXPECT_EQ(parameters.value("hostaddr"), "127.0.0.1");
}

}  // namespace
}  // namespace sallyport::postgres
