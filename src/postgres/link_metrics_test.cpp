#include "postgres/link_metrics.h"

#include <gmock/gmock.h>

namespace sallyport::postgres {
namespace {

using testing::HasSubstr;
using testing::Not;

CertificateFacts facts(const char* subject, int64_t not_after) {
  CertificateFacts made;
  made.subject = subject;
  made.not_after = not_after;
  return made;
}

TEST(LinkMetrics, TellSecondsToExpiry) {
  LinkState state;
  state.host = "db";
  state.tls = true;
  state.tls_version = "TLSv1.3";
  state.cipher = "TLS_AES_256_GCM_SHA384";
  state.server_chain = {facts("CN=\"db\"", 1100), facts("CN=root", 0)};
  state.client_certificate = facts("CN=kong", 900);
  state.crl_next_update = 1050;
  std::string text = link_metrics_text(state, 1000);
  EXPECT_THAT(text, HasSubstr("expiry_seconds{what=\"server\",subject=\"CN=\\\"db\\\"\"} 100\n"));
  EXPECT_THAT(text, HasSubstr("{what=\"server_ca\",subject=\"CN=root\"} -1000\n"));
  EXPECT_THAT(text, HasSubstr("{what=\"client\",subject=\"CN=kong\"} -100\n"));
  EXPECT_THAT(text, HasSubstr("{what=\"crl\",subject=\"\"} 50\n"));
  EXPECT_THAT(text, HasSubstr("link_encrypted{host=\"db\",version=\"TLSv1.3\""));
}

TEST(LinkMetrics, CountWithoutALink) {
  uint64_t before = counted(LinkEvent::downgrade);
  count(LinkEvent::downgrade);
  EXPECT_EQ(counted(LinkEvent::downgrade), before + 1);
  std::string text = link_metrics_text({}, 0);
  EXPECT_THAT(text, HasSubstr("{event=\"downgrade_refused\"}"));
  EXPECT_THAT(text, Not(HasSubstr("expiry")));
}

}  // namespace
}  // namespace sallyport::postgres
