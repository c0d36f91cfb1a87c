#include "conf/file_syntax.h"

#include <gtest/gtest.h>

#include "conf/load_for_test.h"

namespace sallyport::conf {
namespace {

struct Reading {
  const char* name;
  std::string content;
  std::string keys_and_values;  // "KEY=VALUE@LINE;"
  std::string faults;
  std::string warnings;
};

class FileSyntax : public testing::TestWithParam<Reading> {};

TEST_P(FileSyntax, Reads) {
  ParsedFile file = parse_file("f", GetParam().content);
  std::string got;
  for (const Assignment& a : file.assignments) {
    got += fmt::format("{}={}@{};", a.key, a.value, a.line);
  }
  EXPECT_EQ(got, GetParam().keys_and_values);
  EXPECT_EQ(lines_of(file.faults), GetParam().faults);
  EXPECT_EQ(lines_of(file.warnings), GetParam().warnings);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, FileSyntax,
    testing::Values(
        Reading{"Empty", "", "", "", ""},
        Reading{"Comments", "# a = b\n  ; c = d\n\n\t# e\n", "", "", ""},
        Reading{"Plain", "a=b\n c  =  d e \nf=\n", "a=b@1;c=d e@2;f=@3;", "", ""},
        Reading{"NoNewlineAtTheEnd", "a=b", "a=b@1;", "", ""},
        Reading{"WindowsLines", "a = b\r\nc = d\\\r\n e\r\n", "a=b@1;c=d e@2;", "", ""},
        Reading{"ByteOrderMark",
                "\xef\xbb\xbf"
                "a = b",
                "a=b@1;", "", ""},
        Reading{"CommentAfterValue", "a = b # c\nd = e#f\n", "a=b@1;d=e@2;", "", ""},
        Reading{"EscapedHash", "a = b\\#c # d\ne = \\#\n", "a=b#c@1;e=#@2;", "", ""},
        Reading{"SemicolonIsNoCommentInside", "a = b ; c\n", "a=b ; c@1;", "", ""},
        Reading{"HashInQuotes", "a = \"b#c\" # d\ne = 'f#'\n", "a=\"b#c\"@1;e='f#'@2;", "", ""},
        Reading{"HashAfterTwoQuotedItems", "a = \"b\", \"c\" # d\n", "a=\"b\", \"c\"@1;", "", ""},
        Reading{"OpenQuote", "a = \"b # c\n", "a=\"b@1;", "", ""},
        Reading{"EqualsInValue", "a = b=c\n", "a=b=c@1;", "", ""},
        Reading{"NormalisedKeys", "pg-host = x\npg.port = 1\n", "pg_host=x@1;pg_port=1@2;", "", ""},
        Reading{"Continued", "a = b, \\\n    c\nd = e\n", "a=b,     c@1;d=e@3;", "", ""},
        Reading{"ContinuedOverComments", "a = b, \\\n# x\n\n  c\n", "a=b,   c@1;", "", ""},
        Reading{"ContinuedToTheEnd", "a = b\\", "a=b@1;", "", ""},
        Reading{"ContinuedKey", "pg_\\\nhost = x\n", "pg_host=x@1;", "", ""},
        Reading{"SwallowedSetting", "pg_password = x\\\npg_ssl = on\n",
                "pg_password=xpg_ssl = on@1;", "",
                "2: pg_ssl: this line belongs to line 1, which ends in a '\\'\n"},
        Reading{"NoEquals", "nonsense here\n", "",
                "1: this is neither a comment nor 'key = value'\n", ""},
        Reading{"NoEqualsButAKey", "pg_ssl on\n", "", "1: there is no '=': write pg_ssl = VALUE\n",
                ""},
        Reading{"NoKey", "= on\n", "", "1: there is no key before the '='\n", ""},
        Reading{"SectionThatHidesNothing", "[x]\nfoo = bar\n", "", "",
                "1: the section [x] and what is below it is not read\n"},
        Reading{
            "SectionThatHidesASetting", "a = b\n[db]\npg_ssl = on\nfoo = bar\n", "a=b@1;",
            "2: the section [db] hides the keys below it (pg_ssl); take the line away, or write "
            "a # before it\n",
            ""},
        Reading{"IndentedBracketIsNoSection", " [x]\n", "",
                "1: this is neither a comment nor 'key = value'\n", ""},
        Reading{"Nul", std::string("a = b\nc = \0d\n", 13), "",
                "2: there is a NUL byte: this is not a text file\n", ""},
        Reading{"NotUtf8", "a = b\n\n# \xff\n", "", "3: this line is not UTF-8 text\n", ""},
        Reading{"Utf8", "a = \xc3\xa4\n", "a=\xc3\xa4@1;", "", ""}),
    [](const auto& reading) { return std::string(reading.param.name); });

TEST(Unquote, TakesOnePair) {
  EXPECT_EQ(unquote("\"a\""), "a");
  EXPECT_EQ(unquote("'a'"), "a");
  EXPECT_EQ(unquote("\"'a'\""), "'a'");
  EXPECT_EQ(unquote("\"a'"), "\"a'");
  EXPECT_EQ(unquote("\""), "\"");
  EXPECT_EQ(unquote("\"\""), "");
  EXPECT_EQ(unquote(""), "");
}

}  // namespace
}  // namespace sallyport::conf
