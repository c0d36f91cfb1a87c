#include "conf/forms.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::conf {
namespace {

// The item in its normal form; "" when it is refused.
std::string normal(Form form, std::string item) {
  Directive row = directive(Key::pg_host);
  row.form = form;
  row.words = "A AAAA";
  return check_form(row, item) ? "" : item;
}

bool good(Form form, const char* item) {
  return !normal(form, item).empty();
}

TEST(Forms, Host) {
  for (const char* item :
       {"db", "db.example.com", "db_1.internal", "10.0.0.1", "::1", "xn--d1.de"}) {
    EXPECT_EQ(normal(Form::host, item), item);
  }
  EXPECT_EQ(normal(Form::host, "[::1]"), "::1");
  for (const char* item : {"db:5432", "10.0.0.256", "1.2.3", "a b", "/run/postgresql", ".a", "[::1",
                           "a,b", "http://db"}) {
    EXPECT_FALSE(good(Form::host, item)) << item;
  }
}

TEST(Forms, Cidr) {
  for (const char* item : {"10.0.0.0/8", "10.0.0.1", "::/0", "fe80::1/64", "unix:", "0.0.0.0/0"}) {
    EXPECT_TRUE(good(Form::cidr, item)) << item;
  }
  for (const char* item :
       {"10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/-1", "a", "/8"}) {
    EXPECT_FALSE(good(Form::cidr, item)) << item;
  }
}

TEST(Forms, Resolver) {
  for (const char* item : {"10.0.0.1", "10.0.0.1:53", "::1", "[::1]", "[::1]:53"}) {
    EXPECT_TRUE(good(Form::resolver, item)) << item;
  }
  for (const char* item :
       {"dns.example", "10.0.0.1:", "10.0.0.1:0", "[10.0.0.1]:53", "[::1]:99999"}) {
    EXPECT_FALSE(good(Form::resolver, item)) << item;
  }
}

TEST(Forms, Others) {
  EXPECT_TRUE(good(Form::port_map, "80:8000"));
  EXPECT_FALSE(good(Form::port_map, "80"));
  EXPECT_FALSE(good(Form::port_map, "80:0"));
  EXPECT_TRUE(good(Form::label, "region:eu-1"));
  EXPECT_FALSE(good(Form::label, "region"));
  EXPECT_TRUE(good(Form::name, "key-auth"));
  EXPECT_FALSE(good(Form::name, "key auth"));
  EXPECT_TRUE(good(Form::header, "X-Real-IP"));
  EXPECT_FALSE(good(Form::header, "X Real"));
  EXPECT_TRUE(good(Form::url_path, "/manager"));
  EXPECT_FALSE(good(Form::url_path, "/manager/"));
  EXPECT_FALSE(good(Form::url_path, "manager"));
  EXPECT_TRUE(good(Form::url, "https://a.example:8/b?c"));
  EXPECT_FALSE(good(Form::url, "a.example"));
  EXPECT_FALSE(good(Form::url, "https://"));
  EXPECT_EQ(normal(Form::words_nocase, "aaaa"), "AAAA");
  EXPECT_FALSE(good(Form::words, "aaaa"));
}

TEST(Forms, Sizes) {
  EXPECT_EQ(to_bytes("0"), 0);
  EXPECT_EQ(to_bytes("512"), 512);
  EXPECT_EQ(to_bytes("8k"), 8192);
  EXPECT_EQ(to_bytes("10M"), 10 << 20);
  EXPECT_EQ(to_bytes("2g"), 2LL << 30);
  for (const char* text : {"", "k", "-1", "8 k", "8kb", "1.5m", "9223372036854775807g"}) {
    EXPECT_FALSE(to_bytes(text)) << text;
  }
}

TEST(Forms, Durations) {
  EXPECT_EQ(to_seconds("45"), 45);
  EXPECT_EQ(to_seconds("1h30m"), 5400);
  EXPECT_EQ(to_seconds("1d"), 86400);
  EXPECT_EQ(to_seconds("500ms"), 0.5);
  EXPECT_EQ(to_seconds("1M"), 2592000);
  for (const char* text : {"", "s", "-1", "1x", "1.5h", "99999999999999999999"}) {
    EXPECT_FALSE(to_seconds(text)) << text;
  }
}

}  // namespace
}  // namespace sallyport::conf
