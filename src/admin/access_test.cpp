#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/access_gate.h"
#include "admin/browser_guard.h"
#include "admin/own_pages.h"

namespace sallyport::admin {
namespace {

class Access : public testing::Test {
 protected:
  void SetUp() override {
    path = testing::TempDir() + "tokens-" + std::to_string(getpid());
    write("# ours\n\n" + kFirst + "\n  " + kSecond + "  \r\n");
  }
  void TearDown() override { unlink(path.c_str()); }

  void write(const std::string& text, mode_t mode = 0600) {
    unlink(path.c_str());
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
  }
  std::string why_not() {
    auto tokens = AccessTokens::load(path);
    return tokens ? "" : tokens.error().text();
  }

  const std::string kFirst = "0123456789abcdef", kSecond = "another-token-of-mine";
  std::string path;
};

TEST_F(Access, KnowsTheTokensOfItsFile) {
  auto tokens = *AccessTokens::load(path);
  EXPECT_TRUE(tokens->know(kFirst));
  EXPECT_TRUE(tokens->know(kSecond));
  for (const char* bad : {"", "# ours", "0123456789abcde", "0123456789abcdef0", "another"}) {
    EXPECT_FALSE(tokens->know(bad)) << bad;
  }
}

TEST_F(Access, RefusesFilesThatProtectNothing) {
  EXPECT_EQ(why_not(), "");
  write(kFirst, 0644);
  EXPECT_NE(why_not().find("chmod 0600"), std::string::npos);
  write("short\n");
  EXPECT_NE(why_not().find("line 1"), std::string::npos);
  EXPECT_EQ(why_not().find("short\n"), std::string::npos);
  write("has blanks in it, many\n");
  EXPECT_NE(why_not(), "");
  write("# nothing\n");
  EXPECT_NE(why_not().find("holds no token"), std::string::npos);
  unlink(path.c_str());
  EXPECT_NE(why_not().find("admin_access_token_file"), std::string::npos);
}

TEST_F(Access, FollowsTheFile) {
  auto tokens = *AccessTokens::load(path);
  write("a-wholly-new-token\n");
  EXPECT_TRUE(tokens->know("a-wholly-new-token"));
  EXPECT_FALSE(tokens->know(kFirst));
  write("a-token-for-everybody\n", 0666);  // cannot be used: the former stays
  EXPECT_FALSE(tokens->know("a-token-for-everybody"));
  EXPECT_TRUE(tokens->know("a-wholly-new-token"));
  unlink(path.c_str());
  EXPECT_TRUE(tokens->know("a-wholly-new-token"));
  write("");
  EXPECT_FALSE(tokens->know("a-wholly-new-token"));
}

TEST_F(Access, TheGateTakesTokensInEitherHeader) {
  const AccessGate gate(*AccessTokens::load(path), OwnPages{{}, "here"});
  using Headers = std::vector<std::pair<std::string, std::string>>;
  auto status = [&](const Headers& headers, const char* method = "GET") {
    auto refusal = gate.refuse({.method = method, .target = "/", .headers = headers});
    return refusal ? refusal->status : 200;
  };
  EXPECT_EQ(status({{"Authorization", "Bearer " + kFirst}}), 200);
  EXPECT_EQ(status({{"authorization", "bearer  " + kSecond}}), 200);
  EXPECT_EQ(status({{"Kong-Admin-Token", kFirst}}), 200);
  EXPECT_EQ(status({{"Authorization", "Bearer wrong"}, {"Kong-Admin-Token", kFirst}}), 200);
  EXPECT_EQ(status({}), 401);
  EXPECT_EQ(status({{"Authorization", "Basic " + kFirst}}), 401);
  EXPECT_EQ(status({{"Authorization", kFirst}}), 401);
  EXPECT_EQ(status({{"Authorization", "Bearer"}}), 401);
  EXPECT_EQ(status({{"Kong-Admin-Token", "wrong"}}), 401);
  EXPECT_EQ(status({{"Access-Control-Request-Method", "PUT"}}, "OPTIONS"), 200);
  EXPECT_EQ(status({}, "OPTIONS"), 401);
  EXPECT_EQ(status({{"Access-Control-Request-Method", "PUT"}}, "PUT"), 401);
}

TEST(OwnPages, AreThoseOfThisMachineAndOfTheGui) {
  const OwnPages pages{{"https://gui.test:8445"}, "Here"};
  for (const char* host : {"127.0.0.1:8001", "[::1]:8001", "10.0.0.1", "localhost:8001", "here",
                           "a.localhost", "gui.test:8001"}) {
    EXPECT_TRUE(pages.may_be_called(host)) << host;
  }
  for (const char* host : {"", "evil.test", "here.test", "localhost.test:8001", "1.2.3"}) {
    EXPECT_FALSE(pages.may_be_called(host)) << host;
  }
  EXPECT_TRUE(pages.include("http://10.0.0.1:8002", "10.0.0.1:8001"));
  EXPECT_TRUE(pages.include("http://localhost:8002", "127.0.0.1:8001"));
  EXPECT_TRUE(pages.include("http://127.0.0.1:8002", "localhost:8001"));
  EXPECT_TRUE(pages.include("https://gui.test:8445", "10.0.0.1"));
  for (const char* origin : {"http://10.6.6.6", "null", "", "https://evil.test", "file://"}) {
    EXPECT_FALSE(pages.include(origin, "127.0.0.1:8001")) << origin;
  }
}

int guarded(const OwnPages& pages, std::string host,
            std::vector<std::pair<std::string, std::string>> more = {},
            std::string client = "127.0.0.1") {
  http::BufferedRequest request{.method = "GET", .target = "/", .client_ip = std::move(client)};
  request.headers = std::move(more);
  request.headers.emplace_back("Host", std::move(host));
  auto refused = refuse_foreign_page(request, pages);
  return refused ? refused->status : 200;
}

TEST(BrowserGuard, RefusesNamesThatSomebodyElseMadeLeadHere) {
  const OwnPages local{.gui_origins = {"https://gui.test"}, .hostname = "here", .only_local = true};
  for (const char* host :
       {"127.0.0.1:8001", "localhost:8001", "here:8001", "gui.test", "kong-admin",
        "admin.internal:8001", "kong.default.svc.cluster.local", ""}) {
    EXPECT_EQ(guarded(local, host), 200) << host;
  }
  for (const char* host : {"evil.test:8001", "127.0.0.1.evil.test", "localhost.evil.test"}) {
    EXPECT_EQ(guarded(local, host), 403) << host;
  }
  EXPECT_EQ(guarded(local, "evil.test", {}, "10.0.0.9"), 200);  // of another machine: its own name
  EXPECT_EQ(guarded(local, "evil.test", {{"X-Forwarded-For", "10.0.0.9"}}), 200);
  const OwnPages guarded_by_tokens{.gui_origins = {}, .hostname = "here"};
  EXPECT_EQ(guarded(guarded_by_tokens, "admin.example.com"), 200);
}

TEST(BrowserGuard, KnowsBrowsersByWhatTheyCannotLeaveOut) {
  const OwnPages pages{.gui_origins = {}, .hostname = "here"};
  for (const auto& [name, value] :
       {std::pair{"Origin", "http://evil.test"}, std::pair{"Sec-Fetch-Site", "same-origin"},
        std::pair{"User-Agent", "Mozilla/5.0 (old)"}}) {
    EXPECT_EQ(guarded(pages, "evil.test", {{name, value}}, "10.0.0.9"), 403) << name;
    EXPECT_EQ(guarded(pages, "10.0.0.1", {{name, value}}, "10.0.0.9"), 200) << name;
  }
}

TEST(OwnPages, OriginsAreWrittenAsBrowsersDo) {
  const std::vector<std::string> urls = {"https://GUI.test:8445/manager", "http://a.test:80",
                                         "https://a.test:443/", "http://a.test:443?x", "a.test"};
  EXPECT_EQ(origins_of(urls), (std::vector<std::string>{"https://gui.test:8445", "http://a.test",
                                                        "https://a.test", "http://a.test:443"}));
}

}  // namespace
}  // namespace sallyport::admin
