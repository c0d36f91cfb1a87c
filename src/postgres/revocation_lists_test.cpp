#include "postgres/revocation_lists.h"

#include <gmock/gmock.h>

#include "base/clock.h"
#include "postgres/testing/certificates.h"

namespace sallyport::postgres {
namespace {

using testing::HasSubstr;

const TestCertificate& root() {
  static const TestCertificate made = make_certificate({.common_name = "root", .ca = true});
  return made;
}

TEST(RevocationLists, NoneAskedForIsNone) {
  auto loaded = RevocationLists::load("", "");
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->empty());
  EXPECT_EQ(loaded->stack(), nullptr);
}

TEST(RevocationLists, ReadsFileAndDirectoryAndFindsTheEarliestUpdate) {
  TestDirectory files;
  TestDirectory directory;
  std::string file = files.write("all.crl", make_crl(root(), 30) + make_crl(root(), 20));
  directory.write("not-hashed.crl", make_crl(root(), 10));
  directory.write("README", "no CRL in here");
  auto loaded = RevocationLists::load(file, directory.path());
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_EQ(loaded->size(), 3);
  EXPECT_NEAR(*loaded->next_update(), unix_seconds() + 10 * 86400, 60);
}

TEST(RevocationLists, WhatCannotBeReadIsAnError) {
  TestDirectory directory;
  auto expect = [&](const std::string& file, const std::string& folder, const char* setting,
                    const char* words) {
    auto loaded = RevocationLists::load(file, folder, "pg_ro_");
    ASSERT_FALSE(loaded) << words;
    EXPECT_THAT(loaded.error().text(), HasSubstr(setting));
    EXPECT_THAT(loaded.error().text(), HasSubstr(words));
  };
  expect("/nonexistent/x.crl", "", "pg_ro_ssl_crl: ", "No such file");
  expect("", "/nonexistent", "pg_ro_ssl_crl_dir: ", "No such file");
  expect("", directory.path(), "pg_ro_ssl_crl_dir: ", "holds a CRL");
  expect(directory.write("text", "hello"), "", "pg_ro_ssl_crl: ", "no CRL found");
  std::string crl = make_crl(root(), 1);
  expect(directory.write("cut", crl.substr(0, crl.size() / 2)), "", "pg_ro_ssl_crl: ", "bad end");
}

}  // namespace
}  // namespace sallyport::postgres
