#include "postgres/tls_check.h"

#include <gmock/gmock.h>

#include "postgres/testing/certificates.h"

namespace sallyport::postgres {
namespace {

using testing::HasSubstr;

using ContextHandle = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslHandle = std::unique_ptr<SSL, Freed<SSL_free>>;

// Root -> intermediate -> server for db.test, and a client's certificate.
struct Site {
  TestCertificate root = make_certificate({.common_name = "root", .ca = true});
  TestCertificate middle = make_certificate({.common_name = "middle", .issuer = &root, .ca = true});
  TestCertificate server =
      make_certificate({.common_name = "x", .san = "DNS:db.test", .issuer = &middle});
  TestCertificate client = make_certificate({.common_name = "kong", .issuer = &root});
  TestDirectory files;

  TlsDemands demands() const {
    TlsDemands demands{.host = "db.test", .verify = true, .files = {}};
    demands.files.anchors = *TrustAnchors::load({root.pem()});
    return demands;
  }
};

// A handshake in memory, as libpq would make it: the client's context is created inside a Watch.
struct Handshake {
  ContextHandle client_context;
  ContextHandle server_context{SSL_CTX_new(TLS_server_method())};
  SslHandle client;
  SslHandle server;
  bool done = false;

  Handshake(TlsCheck* check, const Site& site, bool ask_client = false) {
    if (check != nullptr) {
      TlsCheck::Watch watch(*check);
      client_context.reset(SSL_CTX_new(TLS_client_method()));
    } else {
      client_context.reset(SSL_CTX_new(TLS_client_method()));
    }
    SSL_CTX_use_certificate(server_context.get(), site.server.certificate.get());
    SSL_CTX_use_PrivateKey(server_context.get(), site.server.key.get());
    X509_up_ref(site.middle.certificate.get());
    SSL_CTX_add_extra_chain_cert(server_context.get(), site.middle.certificate.get());
    if (ask_client) {
      SSL_CTX_set_verify(server_context.get(), SSL_VERIFY_PEER, nullptr);
      SSL_CTX_set_cert_verify_callback(
          server_context.get(), [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
    }
    client.reset(SSL_new(client_context.get()));
    server.reset(SSL_new(server_context.get()));
    BIO* ours = nullptr;
    BIO* theirs = nullptr;
    BIO_new_bio_pair(&ours, 0, &theirs, 0);
    SSL_set_bio(client.get(), ours, ours);
    SSL_set_bio(server.get(), theirs, theirs);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    for (int round = 0; round < 10 && !done; ++round) {
      bool ready = SSL_do_handshake(client.get()) == 1;
      done = SSL_do_handshake(server.get()) == 1 && ready;
    }
    ERR_clear_error();
  }
};

TEST(TlsCheck, AcceptsWhatIsGood) {
  Site site;
  TlsCheck check(site.demands());
  Handshake handshake(&check, site);
  ASSERT_TRUE(handshake.done);
  EXPECT_TRUE(check.confirm(handshake.client.get()));
  LinkState state;
  check.describe(state);
  EXPECT_TRUE(state.verified);
  ASSERT_EQ(state.server_chain.size(), 3) << "leaf, intermediate, anchor";
  EXPECT_EQ(state.trust_anchors_used.at(0).subject, "CN=root");
  EXPECT_FALSE(state.client_certificate_requested);
}

TEST(TlsCheck, RefusesInsideTheHandshake) {
  Site site;
  auto expect = [&](const TlsDemands& demands, std::string_view code, const char* words) {
    TlsCheck check(demands);
    Handshake handshake(&check, site);
    EXPECT_FALSE(handshake.done);
    ASSERT_TRUE(check.refusal()) << code;
    EXPECT_EQ(check.refusal()->code, code);
    EXPECT_THAT(check.refusal()->text(), HasSubstr(words));
    EXPECT_FALSE(check.confirm(handshake.client.get()));
  };
  TlsDemands shallow = site.demands();
  shallow.depth = 0;
  expect(shallow, "link.chain_too_long", "lua_ssl_verify_depth = 1");

  TlsDemands elsewhere = site.demands();
  elsewhere.host = "other.test";
  expect(elsewhere, "link.host_name", "does not match host name \"other.test\"");

  TlsDemands stranger = site.demands();
  TestCertificate other = make_certificate({.common_name = "other", .ca = true});
  stranger.files.anchors = *TrustAnchors::load({other.pem()});
  expect(stranger, "link.untrusted", "certificate verify failed");

  TlsDemands namesake = site.demands();
  TestCertificate twin = make_certificate({.common_name = "root", .ca = true});
  namesake.files.anchors = *TrustAnchors::load({twin.pem()});
  expect(namesake, "link.untrusted", "another one signed");

  TlsDemands checking = site.demands();
  checking.files.revocations =
      *RevocationLists::load(site.files.write("r", make_crl(site.root, 1)), "");
  expect(checking, "link.crl", "add that of \"CN=middle\"");
}

TEST(TlsCheck, TheOptOutsAreSeparate) {
  Site site;
  TlsDemands any_name = site.demands();
  any_name.host = "other.test";
  any_name.verify_host = false;
  TlsCheck nameless(any_name);
  Handshake first(&nameless, site);
  EXPECT_TRUE(first.done && nameless.confirm(first.client.get()));

  TlsDemands anybody{.host = "other.test", .verify = false, .files = {}};
  TlsCheck unverified(anybody);
  Handshake second(&unverified, site);
  EXPECT_TRUE(second.done && unverified.confirm(second.client.get()));
  LinkState state;
  unverified.describe(state);
  EXPECT_FALSE(state.verified);
  EXPECT_EQ(state.server_chain.size(), 2) << "as sent";
}

TEST(TlsCheck, ShowsTheClientCertificateFromMemory) {
  Site site;
  TlsDemands demands = site.demands();
  demands.files.identity = *ClientIdentity::load(site.files.write("c.crt", site.client.pem()),
                                                 site.files.write("c.key", site.client.key_pem()));
  TlsCheck check(demands);
  Handshake handshake(&check, site, /*ask_client=*/true);
  ASSERT_TRUE(handshake.done);
  X509Handle shown(SSL_get1_peer_certificate(handshake.server.get()));
  ASSERT_TRUE(shown);
  EXPECT_EQ(X509_cmp(shown.get(), site.client.certificate.get()), 0);
}

TEST(TlsCheck, TheSecondBarrierHoldsWhenTheFirstWasMissing) {
  Site site;
  TlsCheck check(site.demands());
  Handshake unwatched(nullptr, site);  // as a libpq with another libssl would make it
  ASSERT_TRUE(unwatched.done);
  auto confirmed = check.confirm(unwatched.client.get());
  ASSERT_FALSE(confirmed);
  EXPECT_EQ(confirmed.error().code, "link.unchecked");
  EXPECT_FALSE(check.confirm(nullptr));

  TlsCheck other(site.demands());
  Handshake watched(&other, site);
  EXPECT_TRUE(other.confirm(watched.client.get()));
  EXPECT_FALSE(other.confirm(unwatched.client.get())) << "another session than the verified one";
}

}  // namespace
}  // namespace sallyport::postgres
