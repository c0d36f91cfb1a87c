#include "net/dns_answer.h"

#include <gtest/gtest.h>

namespace sallyport::net {
namespace {

using std::string_literals::operator""s;

const std::string kHead = "\0\0\x81\x80\0\1\0\1\0\0\0\0"s;
const std::string kQuestion = "\3_db\4Test\0\0\x21\0\1"s;
const std::string kRecord = "\xc0\x0c\0\x21\0\1\0\0\0\x3c"s;

TEST(DnsAnswer, ReadsServicesBehindPointers) {
  const std::string data = "\0\1\0\2\x15\x38\3one\xc0\x10"s;  // priority 1, weight 2, port 5432
  const auto got = read_srv_answer(kHead + kQuestion + kRecord + "\0\x0c"s + data);
  ASSERT_TRUE(got);
  ASSERT_EQ(got->size(), 1U);
  EXPECT_EQ(got->front().target, "one.test");
  EXPECT_EQ(got->front().priority, 1);
  EXPECT_EQ(got->front().weight, 2);
  EXPECT_EQ(got->front().port, 5432);
  EXPECT_EQ(got->front().ttl_s, 60U);
}

TEST(DnsAnswer, BrokenMessagesAreNone) {
  const std::string whole =
      kHead + kQuestion + kRecord + "\0\x0c"s + "\0\1\0\2\x15\x38\3one\xc0\x10"s;
  ASSERT_TRUE(read_srv_answer(whole));
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    EXPECT_FALSE(read_srv_answer(whole.substr(0, cut))) << cut;
  }
  auto with = [](std::string_view data) {
    const auto size = static_cast<char>(data.size());
    return read_srv_answer(kHead + kQuestion + kRecord + '\0' + size + std::string(data));
  };
  EXPECT_FALSE(with("\0\1\0\2\x15\x38\xc0\x2c"s));      // a pointer to itself
  EXPECT_FALSE(with("\0\1\0\2\x15\x38\xff\xff"s));      // beyond the end
  EXPECT_FALSE(with("\0\1\0\2\x15\x38\3o\ne\0"s));      // a line feed
  EXPECT_FALSE(with("\0\1\0\2\x15\x38\3one\0extra"s));  // more than the name
  EXPECT_FALSE(with("\0\1"s));
}

}  // namespace
}  // namespace sallyport::net
