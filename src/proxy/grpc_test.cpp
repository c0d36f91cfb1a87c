#include "proxy/grpc.h"

#include <memory>

#include <gtest/gtest.h>

namespace sallyport::proxy {
namespace {

std::unique_ptr<http::RequestHead> request(const std::string& fields, bool http2 = true) {
  static std::string text;
  text = "POST /a/b HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
  auto head = std::make_unique<http::RequestHead>();
  uint32_t scanned = 0;
  http::ParseFault fault;
  EXPECT_EQ(http::read_request(text, {}, scanned, *head, fault), http::ParseStatus::complete);
  head->http2 = http2;
  return head;
}

TEST(Grpc, IsToldByItsContentType) {
  for (const char* type : {"application/grpc", "application/grpc+proto", "Application/gRPC;x=y"}) {
    EXPECT_TRUE(is_grpc(*request(std::string("Content-Type: ") + type + "\r\n"))) << type;
  }
  for (const char* type :
       {"application/grpc-web", "application/grpcx", "application/json", "app"}) {
    EXPECT_FALSE(is_grpc(*request(std::string("Content-Type: ") + type + "\r\n"))) << type;
  }
  EXPECT_FALSE(is_grpc(*request("Content-Type: application/grpc\r\n", false)));
  EXPECT_FALSE(is_grpc(*request("")));
}

TEST(Grpc, Timeouts) {
  auto timeout = [](const std::string& value) {
    return grpc_timeout_ms(*request("grpc-timeout: " + value + "\r\n"));
  };
  EXPECT_EQ(timeout("1S"), 1'000U);
  EXPECT_EQ(timeout("250m"), 250U);
  EXPECT_EQ(timeout("1500u"), 2U);
  EXPECT_EQ(timeout("1n"), 1U);
  EXPECT_EQ(timeout("2M"), 120'000U);
  EXPECT_EQ(timeout("99999999H"), 99'999'999ULL * 3'600'000);
  for (const char* nonsense : {"1", "S", "-1S", "1s", "123456789S", "1 S", "0x1S"}) {
    EXPECT_EQ(timeout(nonsense), std::nullopt) << nonsense;
  }
  EXPECT_EQ(grpc_timeout_ms(*request("")), std::nullopt);
}

TEST(Grpc, FieldsOfAnAnswer) {
  EXPECT_EQ(grpc_fields(16, "No API key found"),
            "grpc-status: 16\r\ngrpc-message: No API key found\r\n");
  EXPECT_EQ(grpc_fields(2, "100% \xc3\xbc\r\n"),
            "grpc-status: 2\r\ngrpc-message: 100%25 %C3%BC%0D%0A\r\n");
  EXPECT_EQ(grpc_fields(0, ""), "grpc-status: 0\r\n");
  EXPECT_EQ(grpc_message(R"({"message":"Unauthorized","request_id":"x"})"), "Unauthorized");
  EXPECT_EQ(grpc_message("{broken"), "{broken");
  EXPECT_EQ(grpc_message("text"), "text");
}

TEST(Grpc, Statuses) {
  EXPECT_EQ(grpc_status(200), 0);
  EXPECT_EQ(grpc_status(401), 16);
  EXPECT_EQ(grpc_status(403), 7);
  EXPECT_EQ(grpc_status(404), 12);
  EXPECT_EQ(grpc_status(429), 8);
  EXPECT_EQ(grpc_status(503), 14);
  EXPECT_EQ(grpc_status(504), 4);
  EXPECT_EQ(grpc_status(418), 2);
}

}  // namespace
}  // namespace sallyport::proxy
