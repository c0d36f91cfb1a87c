#include "http/form.h"

#include <tuple>

#include <gtest/gtest.h>

#include "http/accept.h"

namespace sallyport::http {
namespace {

TEST(Form, UrlEncoded) {
  auto fields = decode_form("config.minute=5&name=a+b%26&flag&empty=&=x&&a[]=1=2");
  ASSERT_TRUE(fields);
  ASSERT_EQ(fields->size(), 5u);
  EXPECT_EQ((*fields)[0].name, "config.minute");
  EXPECT_EQ((*fields)[0].value, "5");
  EXPECT_EQ((*fields)[1].value, "a b&");
  EXPECT_FALSE((*fields)[2].has_value);
  EXPECT_TRUE((*fields)[3].has_value);
  EXPECT_EQ((*fields)[4].value, "1=2");
  EXPECT_FALSE(decode_form("a&b&c", 2));
  EXPECT_TRUE(decode_form("")->empty());
}

TEST(Form, MultipartBoundary) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a;b\""), "a;b");
  EXPECT_FALSE(multipart_boundary("multipart/form-data"));
  EXPECT_FALSE(multipart_boundary("multipart/form-data; boundary="));
  EXPECT_FALSE(multipart_boundary("multipart/form-data; boundary=\"a"));
  EXPECT_FALSE(multipart_boundary("text/plain; boundary=a"));
}

TEST(Form, Multipart) {
  std::string_view body =
      "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\nline\r\n"
      "--XX\r\ncontent-type: text/plain\r\ncontent-disposition: form-data; filename=\"f;g\"; "
      "name=b\r\n\r\n\r\n--XX--\r\nepilogue";
  auto fields = decode_multipart(body, "XX");
  ASSERT_TRUE(fields);
  ASSERT_EQ(fields->size(), 2u);
  EXPECT_EQ((*fields)[0].name, "a");
  EXPECT_EQ((*fields)[0].value, "one\r\nline");
  EXPECT_EQ((*fields)[1].name, "b");
  EXPECT_EQ((*fields)[1].value, "");
  EXPECT_TRUE(decode_multipart("preamble\r\n" + std::string(body), "XX"));
  EXPECT_TRUE(decode_multipart("", "XX")->empty());
  EXPECT_TRUE(decode_multipart("--XX--\r\n", "XX")->empty());
  EXPECT_FALSE(decode_multipart(body, "XY"));
  EXPECT_FALSE(decode_multipart(body.substr(0, 60), "XX"));
  EXPECT_FALSE(decode_multipart("--XX\r\nNo-Disposition: x\r\n\r\n\r\n--XX--", "XX"));
  EXPECT_FALSE(decode_multipart(body, "XX", 1));
  for (size_t size = 1; size < body.size() - 14; ++size) {
    EXPECT_FALSE(decode_multipart(body.substr(0, size), "XX").has_value() &&
                 size < body.find("--XX--"))
        << size;
  }
}

TEST(Accept, ChoosesByQuality) {
  using enum BodyFormat;
  EXPECT_EQ(choose_format("application/json", text), json);
  EXPECT_EQ(choose_format("text/html;q=0.5, application/xml;q=0.9", text), xml);
  EXPECT_EQ(choose_format("text/html, application/xml", text), html);
  EXPECT_EQ(choose_format("image/png, */*;q=0.1", json), json);
  EXPECT_EQ(choose_format("*/*", text), text);
  EXPECT_EQ(choose_format("text/*", json), text);
  EXPECT_EQ(choose_format("text/html;q=0, application/json;q=0.001", text), json);
  EXPECT_EQ(choose_format("text/html;q=0", text), std::nullopt);
  EXPECT_EQ(choose_format("image/png", text), std::nullopt);
  EXPECT_EQ(choose_format("", text), std::nullopt);
  EXPECT_EQ(choose_format("TEXT/HTML ; level=1 ; q=1.0", text), html);
  EXPECT_EQ(format_of("application/json; charset=utf-8"), json);
}

TEST(Multipart, PartsAsTheyAreWritten) {
  const std::string body =
      "before\r\n--b\r\nContent-Disposition: form-data; name=\"a\\\"b\"\r\n\r\n1\r\n"
      "--b\r\nX: y\r\nContent-Disposition: form-data; name=f; filename=\"n\"\r\n\r\n\r\n--c\r\n"
      "--b\r\nX: y\r\n\r\n\r\n--b--behind";
  const auto split = split_multipart(body, "b", 3);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->before, "before\r\n");
  EXPECT_EQ(split->behind, "--behind");
  ASSERT_EQ(split->parts.size(), 3u);
  const auto& [first, second, third] = std::tie(split->parts[0], split->parts[1], split->parts[2]);
  EXPECT_EQ(first.name, "a\"b");
  EXPECT_EQ(first.written_name, "\"a\\\"b\"");
  EXPECT_EQ(second.written_name, "f");
  EXPECT_EQ(second.content, "\r\n--c");
  EXPECT_FALSE(third.has_name);
  std::string again(split->before);
  for (const FormPart& part : split->parts) again += "--b\r\n" + std::string(part.text) + "\r\n";
  EXPECT_EQ(again + "--b" + std::string(split->behind), body);
  EXPECT_FALSE(split_multipart(body, "b", 2));
  EXPECT_FALSE(decode_multipart(body, "b"));
}

}  // namespace
}  // namespace sallyport::http
