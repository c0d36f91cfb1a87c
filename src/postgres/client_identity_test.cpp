#include "postgres/client_identity.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "postgres/testing/certificates.h"

namespace sallyport::postgres {
namespace {

using testing::HasSubstr;

const TestCertificate& client() {
  static const TestCertificate made = make_certificate({.common_name = "kong"});
  return made;
}

std::string failure(const std::string& certificate, const std::string& key) {
  auto loaded = ClientIdentity::load(certificate, key);
  return loaded ? "loaded" : loaded.error().text();
}

TEST(ClientIdentity, LoadsAPair) {
  TestDirectory directory;
  auto loaded = ClientIdentity::load(directory.write("c.crt", client().pem()),
                                     directory.write("a:b.key", client().key_pem()));
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_FALSE(loaded->empty());
  EXPECT_EQ(loaded->facts().subject, "CN=kong");
}

TEST(ClientIdentity, NoneAskedForIsNone) {
  auto loaded = ClientIdentity::load("", "");
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->empty());
}

TEST(ClientIdentity, HoldsTheKeyToPostgresRules) {
  TestDirectory directory;
  std::string certificate = directory.write("c.crt", client().pem());
  std::string key = directory.write("c.key", client().key_pem());
  chmod(key.c_str(), 0644);
  EXPECT_THAT(failure(certificate, key), HasSubstr("has group or world access"));
  EXPECT_THAT(failure(certificate, key), HasSubstr("its mode is 0644"));
  chmod(key.c_str(), 0400);
  EXPECT_EQ(failure(certificate, key), "loaded");
  EXPECT_THAT(failure(certificate, directory.path()), HasSubstr("is not a regular file"));
  EXPECT_THAT(failure(certificate, "/nonexistent/c.key"),
              HasSubstr("pg_ssl_cert_key: certificate present, but not private key file"));
}

TEST(ClientIdentity, NeverAsksForAPassPhrase) {
  TestDirectory directory;
  EXPECT_THAT(failure(directory.write("c.crt", client().pem()),
                      directory.write("c.key", client().key_pem("secret"))),
              HasSubstr("it is encrypted"));
}

TEST(ClientIdentity, NamesTheFileThatIsBad) {
  TestDirectory directory;
  std::string key = directory.write("c.key", client().key_pem());
  std::string certificate = directory.write("c.crt", client().pem());
  EXPECT_THAT(
      failure("/nonexistent/c.crt", key),
      HasSubstr("pg_ssl_cert: client certificate file \"/nonexistent/c.crt\" does not exist"));
  EXPECT_THAT(failure(directory.write("der", client().der()), key),
              HasSubstr("could not read certificate file"));
  EXPECT_THAT(failure(certificate, directory.write("junk", "junk")),
              HasSubstr("could not load private key file"));
  TestCertificate other = make_certificate({.common_name = "kong"});
  EXPECT_THAT(failure(certificate, directory.write("other.key", other.key_pem())),
              HasSubstr("key values mismatch"));
}

}  // namespace
}  // namespace sallyport::postgres
