#include "postgres/link_refusal.h"

#include <gmock/gmock.h>

namespace sallyport::postgres {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Fixture {
  LinkSettings settings;
  LinkTarget target{"db.test", "10.0.0.1"};
  LinkState state;

  Fixture() {
    settings.ssl = true;
    settings.user = "kong";
    settings.password = Secret("kongpass");
  }
  Error error(LinkStage stage, std::string_view text) {
    state.stage = stage;
    return libpq_refusal({settings, target, state}, text, state.sqlstate);
  }
};

TEST(LinkRefusal, TakesTheSqlstateOutOfTheText) {
  Fixture f;
  Error error = f.error(LinkStage::authentication,
                        "connection to server at \"10.0.0.1\", port 5432 failed: FATAL:  28P01: "
                        "password authentication failed for user \"kong\"\n"
                        "LOCATION:  auth_failed, auth.c:338\n");
  EXPECT_EQ(f.state.sqlstate, "28P01");
  EXPECT_EQ(error.code, "link.authentication");
  EXPECT_EQ(error.detail,
            "connection to server at \"db.test\" (10.0.0.1), port 5432 failed: FATAL:  password "
            "authentication failed for user \"kong\"");
}

TEST(LinkRefusal, AWrongCnMayLookLikeAWrongPassword) {
  Fixture f;
  f.state.client_certificate = CertificateFacts{};
  Error error = f.error(LinkStage::authentication,
                        "FATAL:  28P01: password authentication failed for user \"kong\"\n");
  EXPECT_THAT(error.remedy, HasSubstr("CN of the client certificate"));
}

TEST(LinkRefusal, MasksThePasswordAndControlCharacters) {
  Fixture f;
  Error error =
      f.error(LinkStage::authentication, "FATAL:  XX000: \x1b[31mno \"kongpass\" here, kongpass\n");
  EXPECT_THAT(error.detail, Not(HasSubstr("kongpass")));
  EXPECT_THAT(error.detail, HasSubstr("?[31mno \"******\" here, ******"));
}

TEST(LinkRefusal, JoinsWrappedSentences) {
  EXPECT_EQ(clean_text("closed\n\tThis means trouble\n\tbefore or while processing.\n", Secret()),
            "closed; This means trouble before or while processing.");
}

TEST(LinkRefusal, SortsByStage) {
  Fixture f;
  EXPECT_EQ(f.error(LinkStage::tcp, "Connection refused").code, "link.refused");
  EXPECT_EQ(f.error(LinkStage::tcp, "No route to host").code, "link.unreachable");
  EXPECT_EQ(f.error(LinkStage::handshake, "SSL error: tlsv1 alert protocol version").code,
            "link.tls_version");
  EXPECT_EQ(f.error(LinkStage::handshake,
                    "SSL error: wrong version number\nThis may indicate that the server does not "
                    "support any SSL protocol version between TLSv1.2 and TLSv1.2.")
                .code,
            "link.handshake");
  EXPECT_EQ(
      f.error(LinkStage::authentication, "FATAL:  53300: sorry, too many clients already\n").retry,
      Retry::later);
  EXPECT_EQ(
      f.error(LinkStage::authentication, "FATAL:  3D000: database \"x\" does not exist\n").code,
      "link.database");
  f.state.tls = f.state.client_certificate_requested = true;
  EXPECT_EQ(f.error(LinkStage::authentication, "server closed the connection unexpectedly").code,
            "link.client_certificate");
}

TEST(LinkRefusal, NamesTheSettingsOfTheReadOnlyLink) {
  Fixture f;
  f.settings.role = LinkRole::read_only;
  f.state.stage = LinkStage::handshake;
  Error error = timeout_refusal({f.settings, f.target, f.state});
  EXPECT_THAT(error.detail, HasSubstr("timeout expired, waiting for the TLS handshake"));
  EXPECT_THAT(error.remedy, HasSubstr("pg_ro_timeout"));
}

}  // namespace
}  // namespace sallyport::postgres
