#include "postgres/host_name.h"

#include <gmock/gmock.h>

#include "postgres/testing/certificates.h"

namespace sallyport::postgres {
namespace {

using testing::HasSubstr;

struct Case {
  const char* what;
  const char* common_name;
  const char* san;
  const char* host;
  bool matches;
};

class HostName : public testing::TestWithParam<Case> {};

TEST_P(HostName, FollowsLibpq) {
  const Case& c = GetParam();
  TestCertificate made = make_certificate({.common_name = c.common_name, .san = c.san});
  EXPECT_EQ(check_host_name(made.certificate.get(), c.host).matches, c.matches) << c.what;
}

INSTANTIATE_TEST_SUITE_P(
    Rules, HostName,
    testing::Values(
        Case{"a name of the SAN", "x", "DNS:db.test,DNS:localhost", "localhost", true},
        Case{"case does not matter", "x", "DNS:DB.test", "db.TEST", true},
        Case{"another name", "x", "DNS:db.test", "db2.test", false},
        Case{"a prefix is no match", "x", "DNS:db.test", "db.tes", false},
        Case{"the CN counts without a SAN", "localhost", "", "localhost", true},
        Case{"the CN does not count beside a dNSName", "localhost", "DNS:other.test", "localhost",
             false},
        Case{"the CN counts beside another kind of name", "db.test", "IP:10.0.0.1", "db.test",
             true},
        Case{"wildcard: one label", "x", "DNS:*.test", "db.test", true},
        Case{"wildcard: not two", "x", "DNS:*.test", "a.db.test", false},
        Case{"wildcard: not none", "x", "DNS:*.test", ".test", false},
        Case{"wildcard: not the bare domain", "x", "DNS:*.test", "test", false},
        Case{"wildcard inside a label", "x", "DNS:d*.test", "db.test", false},
        Case{"wildcard alone", "x", "DNS:*", "localhost", false},
        Case{"wildcard CN", "*.test", "", "db.test", true},
        Case{"an address of the SAN", "x", "IP:127.0.0.1", "127.0.0.1", true},
        Case{"an IPv6 address, written otherwise", "x", "IP:::1", "0:0:0:0:0:0:0:1", true},
        Case{"another address", "x", "IP:127.0.0.1", "127.0.0.2", false},
        Case{"an address written as a name", "x", "DNS:127.0.0.1", "127.0.0.1", true},
        Case{"an address in the CN", "127.0.0.1", "", "127.0.0.1", true},
        Case{"an address and only names", "127.0.0.9", "DNS:localhost", "127.0.0.1", false},
        Case{"no wildcard matches an address", "x", "DNS:*.0.0.1", "127.0.0.1", false},
        Case{"no name at all", "", "", "localhost", false}));

TEST(HostNameText, NamesBothSides) {
  TestCertificate made = make_certificate({.common_name = "x", .san = "DNS:a.test,DNS:b.test"});
  std::string text = check_host_name(made.certificate.get(), "db").text;
  EXPECT_THAT(text, HasSubstr("server certificate for \"a.test\" (and 1 other name) does not match "
                              "host name \"db\""));
  EXPECT_THAT(text, HasSubstr("b.test"));
}

TEST(HostNameText, SaysThatThereIsNone) {
  TestCertificate made = make_certificate({});
  EXPECT_EQ(check_host_name(made.certificate.get(), "db").text,
            "could not get server's host name from server certificate");
}

TEST(HostNameText, NulInsideANameMatchesNothing) {
  TestCertificate made = make_certificate({.common_name = std::string("db.test\0.evil", 13)});
  HostNameVerdict verdict = check_host_name(made.certificate.get(), "db.test");
  EXPECT_FALSE(verdict.matches);
  EXPECT_THAT(verdict.text, HasSubstr("db.test?.evil"));
}

}  // namespace
}  // namespace sallyport::postgres
