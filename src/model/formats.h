// The forms that texts in entities take: names, hosts, paths, addresses. Each returns the fault in
// the words of Kong's Admin API, "" when the text is fine. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::model::formats {

// What every text must be that the database is to keep: UTF-8 without NUL.
std::string storable(std::string_view text);
// Printable UTF-8 without characters that URLs reserve: services.name, routes.name.
std::string utf8_name(std::string_view text);
// ASCII only: letters, digits, . - _ ~
std::string ascii_name(std::string_view text);
std::string tag(std::string_view text);

// A host name or address without a port.
std::string host(std::string_view text);
std::string host_with_optional_port(std::string_view text);
// "*.a.b", "a.b.*" or no wildcard, with an optional port; for the form of the wildcard see the
// patterns of typedefs::route_host.
std::string host_with_wildcard(std::string_view text);
std::string sni(std::string_view text);
std::string ip_or_cidr(std::string_view text);

// What follows the leading slash, as RFC 3986 allows it.
std::string path(std::string_view text);
// What the router can find in a request's path: any characters, decoded and without dot segments
// and empty ones; or "~" and a regular expression that PCRE2 can compile.
std::string route_path(std::string_view text);
// Header values of a route: literal, or "~*" and a regular expression.
std::string route_header_value(std::string_view text);
// A host name without a port, and no address: upstreams.name.
std::string upstream_name(std::string_view text);
// host[:port] of a target, and the form in which it is stored: with a port (8000 when none was
// given), addresses of IPv6 in full and in brackets.
std::string target(std::string_view text);
std::string canonical_target(std::string_view text);
std::string cookie_name(std::string_view text);  // a token (RFC 6265)
std::string header_name(std::string_view text);
// An absolute URI, and one without a fragment (RFC 6749 section 3.1.2).
std::string url(std::string_view text);
std::string redirect_uri(std::string_view text);

// Parts shared by the checks above.
bool is_hostname(std::string_view text);
bool is_ipv4(std::string_view text);
bool is_ipv6(std::string_view text);  // without brackets
// The error of PCRE2 with its offset; "" when `pattern` compiles.
std::string regex_fault(std::string_view pattern);

}  // namespace sallyport::model::formats
