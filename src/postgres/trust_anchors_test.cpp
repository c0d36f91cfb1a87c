#include "postgres/trust_anchors.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "postgres/testing/certificates.h"

namespace sallyport::postgres {
namespace {

using testing::HasSubstr;

const TestCertificate& root() {
  static const TestCertificate made = make_certificate({.common_name = "root", .ca = true});
  return made;
}

std::string failure(const std::string& item) {
  auto loaded = TrustAnchors::load({item});
  if (loaded) return "loaded";
  EXPECT_EQ(loaded.error().code, "conf.lua_ssl_trusted_certificate");
  EXPECT_THAT(loaded.error().detail, HasSubstr("lua_ssl_trusted_certificate: "));
  return loaded.error().text();
}

TEST(TrustAnchors, TakesFilesTextAndBase64) {
  TestDirectory directory;
  std::string path = directory.write("root.crt", root().pem());
  for (const std::string& item : {path, root().pem(), text::base64(root().pem())}) {
    auto loaded = TrustAnchors::load({item, " "});
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_EQ(loaded->size(), 1);
    EXPECT_EQ(loaded->facts().front().subject, "CN=root");
  }
}

TEST(TrustAnchors, ParsesOnceForEachContent) {
  TestDirectory directory;
  std::string path = directory.write("root.crt", root().pem());
  auto first = TrustAnchors::load({path});
  auto second = TrustAnchors::load({path});
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->same(*second));
  directory.write("root.crt", root().pem() + make_certificate({.common_name = "two"}).pem());
  auto third = TrustAnchors::load({path});
  ASSERT_TRUE(third);
  EXPECT_FALSE(first->same(*third));
  EXPECT_EQ(third->size(), 2);
  EXPECT_EQ(first->size(), 1) << "what is in use does not change";
}

TEST(TrustAnchors, IgnoresWhatIsAroundTheBlocks) {
  TestDirectory directory;
  std::string junk = "subject: anything\n\xc3\xa9\x01\n";
  auto loaded =
      TrustAnchors::load({directory.write("x", root().key_pem() + junk + root().pem() + junk)});
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_EQ(loaded->size(), 1);
}

TEST(TrustAnchors, NamesTheFileThatIsBad) {
  TestDirectory directory;
  EXPECT_THAT(failure(directory.path() + "/none.crt"), HasSubstr("does not exist"));
  EXPECT_THAT(failure(directory.path()), HasSubstr("not a regular file"));
  EXPECT_THAT(failure(directory.write("empty", "")), HasSubstr("no certificate or crl found"));
  EXPECT_THAT(failure(directory.write("text", "hello\n")),
              HasSubstr("no certificate or crl found"));
  EXPECT_THAT(failure(directory.write("der", root().der())), HasSubstr("openssl x509 -inform der"));
  std::string pem = root().pem();
  EXPECT_THAT(failure(directory.write("cut", pem.substr(0, pem.size() / 2))),
              HasSubstr("bad end line"));
  pem[40] = '!';
  EXPECT_THAT(failure(directory.write("broken", root().pem() + pem)),
              HasSubstr("could not read root certificate file"));
  EXPECT_THAT(failure("AAAA"), HasSubstr("does not exist"));
}

TEST(TrustAnchors, AnEmptyListTrustsNobody) {
  EXPECT_THAT(failure(" "), HasSubstr("names no certificate"));
  EXPECT_EQ(TrustAnchors().store(), nullptr);
}

}  // namespace
}  // namespace sallyport::postgres
