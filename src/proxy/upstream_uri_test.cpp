#include "proxy/upstream_uri.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::proxy {
namespace {

std::string join(std::string_view service, std::string_view path, std::string_view route,
                 bool strip) {
  const UpstreamPath parts = join_path(service, path, route.size(), strip);
  return std::string(parts.base) + std::string(parts.slash) + std::string(parts.rest);
}

TEST(UpstreamUriV1, PutsOneBehindTheOther) {
  auto joined = [](std::string_view service, std::string_view path, size_t matched, bool strip) {
    const UpstreamPath parts = join_path_v1(service, path, matched, strip);
    return std::string(parts.base) + std::string(parts.slash) + std::string(parts.rest);
  };
  EXPECT_EQ(joined("/s", "/tv1/req", 4, true), "/s/req");
  EXPECT_EQ(joined("/s", "/tv1/req", 5, true), "/sreq");
  EXPECT_EQ(joined("/s/", "/tv1/req", 4, true), "/s/req");
  EXPECT_EQ(joined("/s/", "/tv1req", 4, true), "/s/req");
  EXPECT_EQ(joined("/s", "/tv1/", 5, true), "/s");
  EXPECT_EQ(joined("/s", "/fv1/req", 4, false), "/sfv1/req");
  EXPECT_EQ(joined("/srv", "/route", 6, false), "/srvroute");
  EXPECT_EQ(joined("/srv", "/route/", 6, true), "/srv/");
  EXPECT_EQ(joined("/srv", "/", 1, false), "/srv");
  EXPECT_EQ(joined("/srv", "/", 1, true), "/srv");
  EXPECT_EQ(joined("/srv/", "/", 1, false), "/srv/");
  EXPECT_EQ(joined("/srv/", "/route", 6, true), "/srv/");
  EXPECT_EQ(joined("/", "/route/", 6, true), "/");
  EXPECT_EQ(joined("/", "/route/", 6, false), "/route/");
  // A route without paths takes what "/" would take.
  EXPECT_EQ(joined("/srv", "/route", 0, true), "/srvroute");
  EXPECT_EQ(joined("/srv", "/route", 0, false), "/srvroute");
  EXPECT_EQ(joined("/srv", "/", 0, true), "/srv");
  EXPECT_EQ(joined("/s/", "/fv1req", 4, false), "/s/fv1req");
  EXPECT_EQ(joined("", "/tv1", 4, true), "/");
  EXPECT_EQ(joined("/s", "/route../x", 6, true), "/s/x");
  EXPECT_EQ(joined("/s", "/route..%2Fx", 6, true), "/s%2Fx");
  EXPECT_EQ(joined("/s", "/route..%5Cx", 6, true), "/s%5Cx");
  EXPECT_EQ(joined("/s", "/route..;/x", 6, true), "/s;/x");
}

struct Row {
  const char* service;
  const char* route;
  const char* request;
  const char* stripped;
  const char* whole;
};

class UpstreamUri : public testing::TestWithParam<Row> {};

TEST_P(UpstreamUri, JoinsAsKongDoes) {
  const Row& row = GetParam();
  EXPECT_EQ(join(row.service, row.request, row.route, true), row.stripped);
  EXPECT_EQ(join(row.service, row.request, row.route, false), row.whole);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, UpstreamUri,
    testing::Values(Row{"/", "/", "/", "/", "/"},                              //
                    Row{"/", "/", "/route", "/route", "/route"},               //
                    Row{"/", "/", "/route/", "/route/", "/route/"},            //
                    Row{"/", "/route", "/route", "/", "/route"},               //
                    Row{"/", "/route", "/route/", "/", "/route/"},             //
                    Row{"/", "/route", "/routereq", "/req", "/routereq"},      //
                    Row{"/", "/route", "/route/req", "/req", "/route/req"},    //
                    Row{"/", "/route/", "/route/", "/", "/route/"},            //
                    Row{"/", "/route/", "/route/req", "/req", "/route/req"},   //
                    Row{"", "/route", "/route/req", "/req", "/route/req"},     //
                    Row{"/srv", "/", "/", "/srv", "/srv"},                     //
                    Row{"/srv", "/", "/route", "/srv/route", "/srv/route"},    //
                    Row{"/srv", "/route", "/route", "/srv", "/srv/route"},     //
                    Row{"/srv", "/route", "/route/", "/srv/", "/srv/route/"},  //
                    Row{"/srv", "/route", "/routereq", "/srv/req", "/srv/routereq"},
                    Row{"/srv", "/route", "/route/req", "/srv/req", "/srv/route/req"},
                    Row{"/srv", "/route/", "/route/", "/srv/", "/srv/route/"},
                    Row{"/srv", "/route/", "/route/req", "/srv/req", "/srv/route/req"},
                    Row{"/srv/", "/", "/", "/srv/", "/srv/"},
                    Row{"/srv/", "/", "/route", "/srv/route", "/srv/route"},
                    Row{"/srv/", "/route", "/route", "/srv", "/srv/route"},
                    Row{"/srv/", "/route", "/route/", "/srv/", "/srv/route/"},
                    Row{"/srv/", "/route", "/routereq", "/srv/req", "/srv/routereq"},
                    Row{"/srv/", "/route", "/route/req", "/srv/req", "/srv/route/req"},
                    Row{"/srv/", "/route/", "/route/", "/srv/", "/srv/route/"},
                    Row{"/srv/", "/route/", "/route/req", "/srv/req", "/srv/route/req"},
                    Row{"/srv", "/rou", "/roureq", "/srv/req", "/srv/roureq"},
                    Row{"/srv", "", "/x", "/srv/x", "/srv/x"}, Row{"/srv", "", "/", "/srv", "/srv"},
                    Row{"/srv/", "", "/", "/srv/", "/srv/"},
                    Row{"/srv", "", "/x/", "/srv/x/", "/srv/x/"}));

TEST(UpstreamUriAlone, WhatIsLeftOfASegmentCannotClimb) {
  EXPECT_EQ(join("/service", "/route./req", "/route", true), "/service/req");
  EXPECT_EQ(join("/service/", "/route../req", "/route", true), "/service/req");
  EXPECT_EQ(join("/service", "/route..", "/route", true), "/service");
  EXPECT_EQ(join("/service", "/route..%2Freq", "/route", true), "/service/%2Freq");
  EXPECT_EQ(join("/service", "/route.../req", "/route", true), "/service/.../req");
  EXPECT_EQ(join("/service", "/route.x", "/route", true), "/service/.x");
  EXPECT_EQ(join("/service", "/route../req", "/route", false), "/service/route../req");
}

TEST(UpstreamUriAlone, AnAsteriskStaysWhereItIs) {
  EXPECT_EQ(join("/", "*", "", true), "/*");
}

}  // namespace
}  // namespace sallyport::proxy
