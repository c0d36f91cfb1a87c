#include "pki/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::pki {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(KeySpec, KnowsItsWords) {
  EXPECT_EQ(parse_key_spec("ec").value(), (KeySpec{KeyType::ec, 256}));
  EXPECT_EQ(parse_key_spec("rsa").value(), (KeySpec{KeyType::rsa, 3072}));
  EXPECT_EQ(parse_key_spec("rsa:2048").value(), (KeySpec{KeyType::rsa, 2048}));
  EXPECT_EQ(parse_key_spec("ed25519").value().type, KeyType::ed25519);
  for (const char* word : {"", "EC", "rsa:", "rsa:x", "rsa:1024", "rsa:2047", "rsa:8192", "dsa"}) {
    EXPECT_FALSE(parse_key_spec(word)) << word;
  }
  EXPECT_THAT(parse_key_spec("rsa:1024").error().text(), HasSubstr("2048"));
  EXPECT_FALSE(Key::generate({KeyType::rsa, 1024}));
}

TEST(Key, SurvivesPem) {
  for (KeySpec spec : {KeySpec{}, KeySpec{KeyType::ed25519, 256}, KeySpec{KeyType::rsa, 2048}}) {
    Key key = Key::generate(spec).value();
    Secret clear = key.to_pem({}).value();
    EXPECT_FALSE(is_encrypted_key(clear.reveal()));
    EXPECT_TRUE(Key::parse(clear.reveal(), {}, "k").value().matches(key));
  }
}

TEST(Key, OpensWithItsPassphraseOnly) {
  Key key = Key::generate({}).value();
  Secret closed = key.to_pem(Secret("open sesame")).value();
  EXPECT_TRUE(is_encrypted_key(closed.reveal()));
  EXPECT_TRUE(Key::parse(closed.reveal(), Secret("open sesame"), "k").value().matches(key));
  EXPECT_EQ(Key::parse(closed.reveal(), {}, "k").error().code, "pki.key_encrypted");
  auto wrong = Key::parse(closed.reveal(), Secret("open barley"), "root.key");
  EXPECT_EQ(wrong.error().code, "pki.passphrase");
  EXPECT_THAT(wrong.error().detail, HasSubstr("root.key"));
  EXPECT_THAT(wrong.error().text(), testing::Not(HasSubstr("barley")));
}

TEST(Key, SaysWhatItIs) {
  EXPECT_EQ(Key::generate({}).value().describe(), "EC P-256");
  EXPECT_EQ(Key::generate({KeyType::rsa, 2048}).value().describe(), "RSA 2048");
  EXPECT_EQ(Key::generate({KeyType::ed25519, 256}).value().describe(), "Ed25519");
  EXPECT_EQ(Key::generate({}).value().weakness(), "");
}

TEST(Key, RefusesWhatIsNone) {
  for (const char* text :
       {"", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
    auto refused = Key::parse(text, Secret("x"), "server.key");
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, "pki.key");
    EXPECT_THAT(refused.error().detail, StartsWith("server.key holds no private key"));
  }
}

}  // namespace
}  // namespace sallyport::pki
