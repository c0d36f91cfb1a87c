#include "proxy/error_body.h"

#include <fmt/format.h>

namespace sallyport::proxy {

std::string error_message(int status) {
  switch (status) {
    case 400:
      return "Bad request";
    case 404:
      return "Not found";
    case 405:
      return "Method not allowed";
    case 408:
      return "Request timeout";
    case 411:
      return "Length required";
    case 412:
      return "Precondition failed";
    case 413:
      return "Payload too large";
    case 414:
      return "URI too long";
    case 417:
      return "Expectation failed";
    case 494:
      return "Request header or cookie too large";
    case 500:
      return "An unexpected error occurred";
    case 502:
      return "An invalid response was received from the upstream server";
    case 503:
      return "The upstream server is currently unavailable";
    case 504:
      return "The upstream server is timing out";
    default:
      return fmt::format("The upstream server responded with {}", status);
  }
}

std::string error_body(http::BodyFormat format, std::string_view message,
                       std::string_view request_id) {
  switch (format) {
    case http::BodyFormat::json:
      return fmt::format("{{\n  \"message\":\"{}\",\n  \"request_id\":\"{}\"\n}}", message,
                         request_id);
    case http::BodyFormat::html:
      return fmt::format(
          "<!doctype html>\n<html>\n  <head>\n    <meta charset=\"utf-8\">\n"
          "    <title>Error</title>\n  </head>\n  <body>\n    <h1>Error</h1>\n"
          "    <p>{}.</p>\n    <p>request_id: {}</p>\n  </body>\n</html>\n",
          message, request_id);
    case http::BodyFormat::xml:
      return fmt::format(
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error>\n  <message>{}</message>\n"
          "  <requestid>{}</requestid>\n</error>\n",
          message, request_id);
    case http::BodyFormat::text:
      break;
  }
  return fmt::format("{}\nrequest_id: {}\n", message, request_id);
}

}  // namespace sallyport::proxy
