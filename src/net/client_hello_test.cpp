#include "net/client_hello.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace sallyport::net {
namespace {

// What OpenSSL says first to `name`.
std::string hello_of(const char* name) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
  if (name != nullptr) SSL_set_tlsext_host_name(ssl, name);
  SSL_connect(ssl);
  char* bytes = nullptr;
  const auto size = static_cast<size_t>(BIO_get_mem_data(out, &bytes));
  std::string hello(bytes, size);
  SSL_free(ssl);
  SSL_CTX_free(context);
  return hello;
}

std::string record(std::string_view content) {
  std::string out("\x16\x03\x01", 3);
  out += static_cast<char>(content.size() >> 8);
  out += static_cast<char>(content.size() & 0xff);
  return out.append(content);
}

HelloParse parse(std::string_view bytes, std::string* name = nullptr) {
  ClientHello hello;
  const HelloParse verdict = read_client_hello(bytes, hello);
  if (name != nullptr) *name = hello.server_name;
  return verdict;
}

TEST(ClientHello, NamesWhomTheClientWants) {
  std::string name;
  EXPECT_EQ(parse(hello_of("DB.Example.com"), &name), HelloParse::complete);
  EXPECT_EQ(name, "db.example.com");
  EXPECT_EQ(parse(hello_of(nullptr), &name), HelloParse::complete);
  EXPECT_EQ(name, "");
}

TEST(ClientHello, EveryCutWaitsForMore) {
  const std::string hello = hello_of("a.test");
  for (size_t cut = 0; cut < hello.size(); ++cut) {
    EXPECT_EQ(parse(hello.substr(0, cut)), HelloParse::need_more) << cut;
  }
}

TEST(ClientHello, MayBeCutIntoRecordsAnywhere) {
  const std::string message = hello_of("a.test").substr(5);
  for (size_t piece = 1; piece < message.size(); piece += 7) {
    std::string cut;
    for (size_t at = 0; at < message.size(); at += piece) cut += record(message.substr(at, piece));
    std::string name;
    EXPECT_EQ(parse(cut, &name), HelloParse::complete) << piece;
    EXPECT_EQ(name, "a.test");
  }
}

TEST(ClientHello, WhatIsNoneIsRefusedAtOnce) {
  EXPECT_EQ(parse("GET / HTTP/1.1\r\n"), HelloParse::error);
  EXPECT_EQ(parse("G"), HelloParse::error);
  EXPECT_EQ(parse("\x16\x02"), HelloParse::error);                               // SSL 2
  EXPECT_EQ(parse(std::string_view("\x16\x03\x01\0\0", 5)), HelloParse::error);  // an empty record
  EXPECT_EQ(parse(record("\x02")), HelloParse::error);                           // a ServerHello
  EXPECT_EQ(parse(record(hello_of("a").substr(5) + "x")), HelloParse::error);
  EXPECT_EQ(parse(record(std::string("\x01\xff\xff\xff", 4))), HelloParse::error);
}

TEST(ClientHello, TinyRecordsDoNotGoOnForEver) {
  std::string endless = record(std::string("\x01\0\x7f\0", 4));
  while (endless.size() < kMaxClientHello) endless += record("x");
  EXPECT_EQ(parse(endless), HelloParse::error);
}

TEST(ClientHello, BrokenLengthsAndNamesAreErrors) {
  const std::string hello = hello_of("a.test");
  // One byte at a time is changed: never a crash, and never a wait for more than there is.
  for (size_t at = 9; at < hello.size(); ++at) {
    std::string broken = hello;
    broken[at] = static_cast<char>(broken[at] ^ 0x41);
    EXPECT_NE(parse(broken), HelloParse::need_more) << at;
  }
  std::string blank = hello;
  blank.replace(blank.find("a.test"), 6, "a test");
  EXPECT_EQ(parse(blank), HelloParse::error);
}

}  // namespace
}  // namespace sallyport::net
