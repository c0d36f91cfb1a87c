#include "conf/display.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "conf/load_for_test.h"

namespace sallyport::conf {
namespace {

Json shown(const std::string& content) {
  return to_json(load_for_test(content).settings);
}

// The shapes are those of a Kong 3.10 node's answer to `GET /`.
TEST(Display, ShowsValuesInKongsShapes) {
  Json out = shown(
      "proxy_listen = 127.0.0.1:8000 reuseport backlog=16384, 127.0.0.1:8443 http2 ssl\n"
      "admin_gui_listen = off\nport_maps = 80:8000\nnginx_http_gzip = on\npg_timeout = 700\n");
  EXPECT_EQ(out["database"], "postgres");
  EXPECT_EQ(out["pg_ssl"], false);
  EXPECT_EQ(out["pg_port"], 5432);
  EXPECT_EQ(out["pg_timeout"], 700);
  EXPECT_EQ(out["pg_host"], "127.0.0.1");
  EXPECT_EQ(out["prefix"], "/usr/local/kong");
  EXPECT_EQ(out["tracing_sampling_rate"], 0.01);
  EXPECT_EQ(out["real_ip_recursive"], "off");
  EXPECT_EQ(out["nginx_daemon"], "on");
  EXPECT_EQ(out["nginx_worker_processes"], "auto");
  EXPECT_EQ(out["nginx_http_keepalive_requests"], "10000");
  EXPECT_EQ(out["ssl_session_timeout"], "1d");
  EXPECT_EQ(out["mem_cache_size"], "128m");
  EXPECT_EQ(out["plugins"], Json::parse(R"(["bundled"])"));
  EXPECT_EQ(out["headers"],
            Json::parse(R"(["server_tokens","latency_tokens","x-kong-request-id"])"));
  EXPECT_EQ(out["trusted_ips"].dump(), "{}");
  EXPECT_EQ(out["stream_listen"].dump(), R"(["off"])");
  EXPECT_EQ(out["stream_listeners"].dump(), "{}");
  EXPECT_EQ(out["proxy_listen"][0], "127.0.0.1:8000 reuseport backlog=16384");
  EXPECT_EQ(out["proxy_listeners"][1]["http2"], true);
  EXPECT_EQ(out["proxy_listeners"][1]["port"], 8443);
  EXPECT_EQ(out["proxy_listeners"][0]["listener"], "127.0.0.1:8000 reuseport backlog=16384");
  EXPECT_EQ(out["proxy_ssl_enabled"], true);
  EXPECT_EQ(out["admin_gui_ssl_enabled"], false);
  EXPECT_EQ(out["host_ports"]["8000"], 80);
  EXPECT_EQ(out["nginx_http_gzip"], "on");
  EXPECT_EQ(out["nginx_proxy_real_ip_header"], "X-Real-IP");
  EXPECT_EQ(out["nginx_proxy_directives"].dump(),
            R"([{"name":"real_ip_header","value":"X-Real-IP"},)"
            R"({"name":"real_ip_recursive","value":"off"}])");
  EXPECT_EQ(out["loaded_vaults"]["env"], true);
}

TEST(Display, LeavesOutWhatHasNoValue) {
  Json out = shown("");
  for (const char* key : {"pg_password", "pg_schema", "pg_pool_size", "node_id", "pg_ssl_cert",
                          "pg_ro_host", "pg_ro_user", "pg_ro_port"}) {
    EXPECT_FALSE(out.contains(key)) << key;
  }
  EXPECT_EQ(out["pg_ro_ssl"], false);
  Json used = shown("pg_ro_host = r\n");
  EXPECT_EQ(used["pg_ro_host"], "r");
  EXPECT_EQ(used["pg_ro_user"], "kong");
}

TEST(Display, ShowsWhatANamedCipherSuiteStandsFor) {
  const CipherSuite suite{.protocols = "TLSv1.3", .ciphers = "A:B", .dh_parameters = "ffdhe2048"};
  auto with = [](const std::string& content, const CipherSuite& named) {
    return to_json(load_for_test(content).settings, named);
  };
  const Json out = with("ssl_ciphers = C\nnginx_stream_ssl_protocols = TLSv1\n", suite);
  EXPECT_EQ(out["ssl_ciphers"], "A:B");
  EXPECT_EQ(out["ssl_dhparam"], "ffdhe2048");
  for (const char* block : {"nginx_http_", "nginx_stream_"}) {
    const auto of = [&](const char* name) { return out[std::string(block) + name]; };
    EXPECT_EQ(of("ssl_protocols"), "TLSv1.3");
    EXPECT_EQ(of("ssl_prefer_server_ciphers"), "off");
    EXPECT_EQ(of("ssl_dhparam"), "ffdhe2048");
    EXPECT_EQ(of("ssl_session_tickets"), "on");
    EXPECT_EQ(of("ssl_session_timeout"), "1d");
    EXPECT_EQ(of("lua_ssl_protocols"), "TLSv1.2 TLSv1.3");
    EXPECT_NE(of("directives").dump().find(R"({"name":"ssl_protocols","value":"TLSv1.3"})"),
              std::string::npos);
  }
  // Kong leaves these as they are written.
  EXPECT_EQ(out["ssl_protocols"], "TLSv1.2 TLSv1.3");
  EXPECT_EQ(out["ssl_prefer_server_ciphers"], "on");
  EXPECT_FALSE(with("ssl_dhparam = ffdhe3072\n", {.ciphers = "A"}).contains("ssl_dhparam"));

  const Json custom =
      shown("ssl_cipher_suite = custom\nssl_ciphers = C\nssl_dhparam = ffdhe3072\n");
  EXPECT_EQ(custom["ssl_ciphers"], "C");
  EXPECT_EQ(custom["nginx_stream_ssl_dhparam"], "ffdhe3072");
  EXPECT_EQ(custom["nginx_wasm_main_directives"].dump(), "{}");
}

TEST(Display, MasksSecretsAndShowsReferences) {
  std::string file =
      "pg_password = hunter2\nssl_cert = /a\nssl_cert_key = hunter2\n"
      "proxy_server = http://u:hunter2@p\npg_user = {vault://env/u}\ntrusted_ips = "
      "{vault://env/i}\n";
  Json out = to_json(load_for_test(file, {{"U", "hunter2"}, {"I", "10.9.8.7"}}).settings);
  EXPECT_EQ(out["pg_password"], "******");
  EXPECT_EQ(out["ssl_cert_key"], "******");
  EXPECT_EQ(out["admin_ssl_cert_key"], "******");
  EXPECT_EQ(out["proxy_server"], "******");
  EXPECT_EQ(out["pg_user"], "{vault://env/u}");
  EXPECT_EQ(out.dump().find("hunter2"), std::string::npos);
  EXPECT_EQ(out.dump().find("10.9.8.7"), std::string::npos);
}

TEST(Display, SaysWhichHeadersAreOn) {
  Json out = shown("headers = via, X-Kong-Upstream-Status\nheaders_upstream = off\n");
  EXPECT_EQ(out["enabled_headers"]["Via"], true);
  EXPECT_EQ(out["enabled_headers"]["Server"], false);
  EXPECT_EQ(out["enabled_headers"]["X-Kong-Upstream-Status"], true);
  EXPECT_EQ(out["enabled_headers_upstream"]["X-Kong-Request-Id"], false);
  Json all = shown("");
  EXPECT_EQ(all["enabled_headers"]["X-Kong-Admin-Latency"], true);
  EXPECT_EQ(all["enabled_headers"]["Via"], true);
  EXPECT_EQ(shown("headers = off\n")["headers"].dump(), R"(["off"])");
}

}  // namespace
}  // namespace sallyport::conf
