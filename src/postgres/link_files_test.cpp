#include "postgres/link_files.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "postgres/link_metrics.h"
#include "postgres/testing/certificates.h"

namespace sallyport::postgres {
namespace {

struct Fixture {
  TestCertificate root = make_certificate({.common_name = "root", .ca = true});
  TestCertificate client = make_certificate({.common_name = "kong", .issuer = &root});
  TestDirectory directory;
  LinkSettings settings;

  Fixture() {
    settings.ssl = settings.verify = true;
    settings.trusted = {directory.write("root.crt", root.pem())};
    settings.certificate = directory.write("c.crt", client.pem());
    settings.key = directory.write("c.key", client.key_pem());
    settings.crl = directory.write("root.crl", make_crl(root, 1));
  }
};

TEST(LinkFiles, ABadFileLeavesTheLastGoodOneInUse) {
  Fixture f;
  auto first = usable_link_files(f.settings);
  ASSERT_TRUE(first) << first.error().text();
  uint64_t before = counted(LinkEvent::stale_file);

  f.directory.write("root.crt", "rubbish");
  f.directory.write("c.key", make_certificate({}).key_pem());  // a pair that does not fit
  unlink(f.settings.crl.c_str());
  auto second = usable_link_files(f.settings);
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_TRUE(second->anchors.same(first->anchors));
  EXPECT_FALSE(second->identity.empty());
  EXPECT_FALSE(second->revocations.empty());
  EXPECT_EQ(counted(LinkEvent::stale_file), before + 3);
  EXPECT_FALSE(read_link_files(f.settings)) << "a look at the files tells the truth";

  TestCertificate next = make_certificate({.common_name = "next", .ca = true});
  f.directory.write("root.crt", next.pem());
  auto third = usable_link_files(f.settings);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->anchors.facts().front().subject, "CN=next");
}

TEST(LinkFiles, TheFirstReadMustBeGood) {
  Fixture f;
  unlink(f.settings.certificate.c_str());
  auto files = usable_link_files(f.settings);
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, "conf.pg_ssl_cert");
}

TEST(LinkFiles, WithoutSslNoFileIsRead) {
  LinkSettings settings;
  settings.certificate = "/nonexistent";
  EXPECT_TRUE(usable_link_files(settings));
}

}  // namespace
}  // namespace sallyport::postgres
