#include "doctor/diagnosis.h"

#include <string>

#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include "doctor/check.h"
#include "doctor/evidence.h"
#include "pki/authority.h"

namespace sallyport::doctor {
namespace {

constexpr int64_t kNow = 1800000000;

pki::Certificate client_certificate(const std::string& common_name) {
  auto key = pki::Key::generate({});
  pki::CertificateRequest request;
  request.role = pki::Role::client;
  request.common_name = common_name;
  return *pki::issue(request, *key, nullptr, kNow);
}

Evidence failed(std::string detail, std::string_view code = "link.authentication") {
  Evidence evidence;
  evidence.now = kNow;
  auto& settings = evidence.settings.emplace();
  settings.hosts = {"db.test"};
  settings.user = "kong";
  settings.database = "kong";
  settings.ssl = settings.ssl_required = settings.verify = true;
  evidence.outcome.attempted = true;
  evidence.outcome.error = {code, Side::database, Retry::never, std::move(detail), "do something"};
  return evidence;
}

Evidence with_client(Evidence evidence, const std::string& common_name) {
  auto& file = evidence.files.certificate.emplace();
  file.file.setting = "pg_ssl_cert";
  file.file.path = "/etc/client.crt";
  file.content = Content::pem;
  file.certificates.push_back(client_certificate(common_name));
  return evidence;
}

struct Row {
  const char* words;
  const char* check;
  const char* remedy;  // found in the remedy; "" where the check itself has it
};

class Catalogue : public testing::TestWithParam<Row> {};

TEST_P(Catalogue, LeadsToTheCheck) {
  auto diagnosis = diagnose(failed(GetParam().words));
  ASSERT_TRUE(diagnosis);
  EXPECT_EQ(diagnosis->check, GetParam().check);
  EXPECT_NE(find_check(diagnosis->check), nullptr);
  EXPECT_TRUE(diagnosis->remedy.contains(GetParam().remedy)) << diagnosis->remedy;
}

INSTANTIATE_TEST_SUITE_P(
    Texts, Catalogue,
    testing::Values(
        Row{"server does not support SSL, but SSL was required", "tls.answer", ""},
        Row{"FATAL:  no pg_hba.conf entry for host \"10.0.0.1\", user \"kong\", database \"kong\", "
            "no encryption",
            "auth.hba", "ssl = on"},
        Row{"FATAL:  no pg_hba.conf entry for host \"10.0.0.1\", user \"kong\", database \"kong\", "
            "SSL encryption",
            "auth.hba", "hostssl kong kong"},
        Row{"FATAL:  no pg_hba.conf entry for host \"10.0.0.1\", user \"kong\", database \"kong\", "
            "SSL off",
            "auth.hba", "ssl = on"},
        Row{"FATAL:  pg_hba.conf rejects connection for host \"10.0.0.1\", user \"kong\", database "
            "\"kong\", SSL encryption",
            "auth.hba", "put before it"},
        Row{"server certificate for \"a\" does not match host name \"b\"", "tls.host_name", ""},
        Row{"could not get server's host name from server certificate", "tls.host_name", ""},
        Row{"FATAL:  connection requires a valid client certificate", "auth.certificate",
            "set pg_ssl_cert and pg_ssl_cert_key"},
        Row{"FATAL:  client certificates can only be checked if a root certificate store is "
            "available",
            "auth.certificate", "ssl_ca_file"},
        Row{"FATAL:  certificate authentication failed for user \"kong\"", "auth.certificate_name",
            "CN = kong"},
        Row{"FATAL:  password authentication failed for user \"kong\"", "auth.password",
            "set pg_password"},
        Row{"fe_sendauth: no password supplied", "auth.password", "set pg_password"},
        Row{"FATAL:  LDAP authentication failed for user \"kong\"", "auth.method", "scram-sha-256"},
        Row{"FATAL:  role \"kong\" does not exist", "auth.role", "create role \"kong\" login"},
        Row{"FATAL:  role \"kong\" is not permitted to log in", "auth.role", "login"},
        Row{"FATAL:  database \"kong\" does not exist", "auth.database",
            "create database \"kong\""},
        Row{"FATAL:  permission denied for database \"kong\"", "auth.database", "grant connect"},
        Row{"FATAL:  sorry, too many clients already", "link.capacity", "max_connections"},
        Row{"FATAL:  too many connections for role \"kong\"", "link.capacity", "limit"},
        Row{"FATAL:  remaining connection slots are reserved", "link.capacity", "max_connections"},
        Row{"FATAL:  the database system is starting up", "link.capacity", "try again"},
        Row{"SSL error: tlsv1 alert protocol version", "tls.version", ""},
        Row{"SSL error: unsupported protocol", "tls.version", ""},
        Row{"SSL error: legacy sigalg disallowed or unsupported", "tls.version", ""},
        Row{"server sent an error response during SSL exchange", "tls.answer", ""},
        Row{"received invalid response to SSL negotiation: H", "tls.answer", ""},
        Row{"SSL error: wrong version number", "tls.handshake", ""},
        Row{"received unencrypted data after SSL response", "tls.injection", ""},
        Row{"SSL error: tlsv1 alert unknown ca", "client_cert.accepted", ""},
        Row{"SSL error: sslv3 alert certificate expired", "client_cert.accepted", ""},
        Row{"SSL error: sslv3 alert certificate revoked", "client_cert.accepted", ""},
        Row{"SSL error: sslv3 alert bad certificate", "client_cert.accepted", ""},
        Row{"SSL error: sslv3 alert unsupported certificate", "client_cert.accepted", ""},
        Row{"channel binding required, but server authenticated client without channel binding",
            "link.channel_binding", "scram-sha-256"},
        Row{"channel binding required but not supported by server's authentication request",
            "link.channel_binding", "scram-sha-256"},
        Row{"connection failed: Connection refused", "net.connect", ""}));

struct VerifyRow {
  int error;
  const char* check;
};

TEST(Diagnosis, VerifyErrorsLeadToTheCheckOfTheChain) {
  const VerifyRow rows[] = {
      {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "chain.trust"},
      {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "chain.trust"},
      {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "chain.trust"},
      {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "chain.trust"},
      {X509_V_ERR_CERT_SIGNATURE_FAILURE, "chain.trust"},
      {X509_V_ERR_INVALID_CA, "chain.trust"},
      {X509_V_ERR_CA_MD_TOO_WEAK, "chain.trust"},
      {X509_V_ERR_CERT_CHAIN_TOO_LONG, "chain.depth"},
      {X509_V_ERR_CERT_HAS_EXPIRED, "chain.validity"},
      {X509_V_ERR_CERT_NOT_YET_VALID, "chain.validity"},
      {X509_V_ERR_INVALID_PURPOSE, "chain.purpose"},
      {X509_V_ERR_CERT_REVOKED, "chain.revocation"},
      {X509_V_ERR_UNABLE_TO_GET_CRL, "chain.revocation"},
      {X509_V_ERR_CRL_HAS_EXPIRED, "chain.revocation"},
  };
  for (const VerifyRow& row : rows) {
    Evidence evidence = failed("SSL error: certificate verify failed", "link.untrusted");
    evidence.outcome.state.verify_error = row.error;
    auto diagnosis = diagnose(evidence);
    ASSERT_TRUE(diagnosis);
    EXPECT_EQ(diagnosis->check, row.check) << row.error;
    EXPECT_NE(find_check(diagnosis->check), nullptr);
  }
}

TEST(Diagnosis, AWrongNameBehindAPasswordErrorIsSeenThrough) {
  auto diagnosis = diagnose(
      with_client(failed("FATAL:  password authentication failed for user \"kong\""), "gateway"));
  ASSERT_TRUE(diagnosis);
  EXPECT_EQ(diagnosis->check, "auth.certificate_name");
  EXPECT_TRUE(diagnosis->cause.contains("misleads"));
  EXPECT_TRUE(diagnosis->cause.contains("\"gateway\""));
  EXPECT_TRUE(diagnosis->remedy.contains("CN = kong"));
}

TEST(Diagnosis, ARightNameLeavesThePasswordToBlame) {
  auto diagnosis = diagnose(
      with_client(failed("FATAL:  password authentication failed for user \"kong\""), "kong"));
  ASSERT_TRUE(diagnosis);
  EXPECT_EQ(diagnosis->check, "auth.password");
}

TEST(Diagnosis, ARightNameAndACertificateErrorMeanAUserMap) {
  auto diagnosis = diagnose(
      with_client(failed("FATAL:  certificate authentication failed for user \"kong\""), "kong"));
  ASSERT_TRUE(diagnosis);
  EXPECT_TRUE(diagnosis->cause.contains("map="));
  EXPECT_TRUE(diagnosis->remedy.contains("pg_ident.conf"));
}

TEST(Diagnosis, ServersOfOtherLanguagesAreUnderstoodBySqlstate) {
  Evidence evidence = failed("FATAL:  Datenbank »kong« existiert nicht");
  evidence.outcome.state.sqlstate = "3D000";
  EXPECT_EQ(diagnose(evidence)->check, "auth.database");
  evidence.outcome.state.sqlstate = "28P01";
  EXPECT_EQ(diagnose(evidence)->check, "auth.password");
}

TEST(Diagnosis, OtherHostsWordsDoNotCount) {
  auto diagnosis = diagnose(
      failed("FATAL:  database \"kong\" does not exist; also tried: server does not support SSL"));
  EXPECT_EQ(diagnosis->check, "auth.database");
}

TEST(Diagnosis, ALostAlertIsFoundByTheHandshakeThatWaits) {
  Evidence evidence = failed("server closed the connection unexpectedly", "link.closed");
  evidence.identity.emplace().identity_refused = "tlsv1 alert unknown ca";
  EXPECT_EQ(diagnose(evidence)->check, "client_cert.accepted");
}

TEST(Diagnosis, SilenceIsNamedByHowFarALookGot) {
  Evidence evidence = failed("timeout expired", "link.timeout");
  auto& host = evidence.hosts.emplace_back();
  host.host = "db.test";
  EXPECT_EQ(diagnose(evidence)->check, "name.resolve");
  host.addresses = {"192.0.2.1"};
  auto& probe = host.probes.emplace_back();
  EXPECT_EQ(diagnose(evidence)->check, "net.connect");
  probe.reach = Reach::connected;
  EXPECT_EQ(diagnose(evidence)->check, "tls.answer");
  probe.reach = Reach::answered;
  probe.answer = SslAnswer::yes;
  EXPECT_EQ(diagnose(evidence)->check, "tls.handshake");
  probe.reach = Reach::secured;
  EXPECT_EQ(diagnose(evidence)->check, "link.open");
}

TEST(Diagnosis, SettingsNameTheirFile) {
  Evidence evidence = failed("the file is missing", "conf.pg_ssl_crl");
  EXPECT_EQ(diagnose(evidence)->check, "file.crl");
  evidence.outcome.error.code = "conf.lua_ssl_trusted_certificate";
  EXPECT_EQ(diagnose(evidence)->check, "file.trusted");
  evidence.outcome.error.code = "conf.pg_ssl_cert_key";
  EXPECT_EQ(diagnose(evidence)->check, "file.client_key");
  auto& key = evidence.files.key.emplace();
  key.file.mode = 0644;
  EXPECT_EQ(diagnose(evidence)->check, "file.client_key.mode");
  key.file.mode = 0600;
  key.encrypted = true;
  EXPECT_EQ(diagnose(evidence)->check, "file.client_key.encrypted");
}

TEST(Diagnosis, ThereIsNoneWhenTheLinkIsUp) {
  Evidence evidence = failed("");
  evidence.outcome.connected = true;
  EXPECT_FALSE(diagnose(evidence));
}

}  // namespace
}  // namespace sallyport::doctor
