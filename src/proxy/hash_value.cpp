#include "proxy/hash_value.h"

#include <string>

#include "balancer/hash_slots.h"
#include "base/text.h"
#include "base/uuid.h"
#include "http/form.h"
#include "http/headers.h"

namespace sallyport::proxy {
namespace {

std::string header_value(const http::RequestHead& request, std::string_view name) {
  std::string value;
  for (const http::Header& field : request.fields()) {
    if (!text::equals_ignore_case(field.name, name)) continue;
    if (!value.empty()) value += ", ";
    value += field.value;
  }
  return value;
}

std::string query_value(std::string_view query, std::string_view name) {
  std::string value;
  const auto fields = http::decode_form(query, 1000);
  if (!fields) return value;
  for (const http::FormField& field : *fields) {
    if (field.name == name) value += field.value;
  }
  return value;
}

std::string capture_value(const router::Match& match, std::string_view name) {
  const auto number = text::to_integer(name);
  for (uint8_t i = 0; i < match.capture_count; ++i) {
    const router::Capture& capture = match.captures[i];
    if (capture.name == name || (number && capture.number == *number)) {
      return std::string(capture.value);
    }
  }
  return {};
}

std::string input_value(model::HashInput input, const std::string& name, Exchange& exchange) {
  switch (input) {
    case model::HashInput::consumer:
      return exchange.consumer_key;
    case model::HashInput::ip:
      return std::string(exchange.client_ip);
    case model::HashInput::header:
      return header_value(exchange.request, name);
    case model::HashInput::path:
      return std::string(exchange.path);
    case model::HashInput::query_arg:
      return query_value(exchange.target_parts.query, name);
    case model::HashInput::uri_capture:
      return capture_value(exchange.match, name);
    case model::HashInput::none:
    case model::HashInput::cookie:
      break;
  }
  return {};
}

std::string cookie_value(const model::Upstream& upstream, Exchange& exchange) {
  if (const auto sent = find_cookie(exchange.request, upstream.hash_on_cookie); sent) {
    if (!sent->empty()) return std::string(*sent);
  }
  std::string made = new_uuid();
  exchange.added_fields += "Set-Cookie: " + upstream.hash_on_cookie + '=' + made +
                           "; Path=" + upstream.hash_on_cookie_path + "\r\n";
  return made;
}

}  // namespace

std::optional<std::string_view> find_cookie(const http::RequestHead& request,
                                            std::string_view name) {
  for (const http::Header& field : request.fields()) {
    if (field.id != http::HeaderId::cookie) continue;
    for (std::string_view part : text::split(field.value, ';')) {
      part = http::trim_blanks(part);
      if (part.size() <= name.size() || !part.starts_with(name) || part[name.size()] != '=') {
        continue;
      }
      return part.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> hash_value(const model::Upstream& upstream, Exchange& exchange) {
  if (upstream.algorithm != model::Algorithm::consistent_hashing) return std::nullopt;
  std::string value;
  if (upstream.hash_on == model::HashInput::cookie) {
    value = cookie_value(upstream, exchange);
  } else {
    value = input_value(upstream.hash_on, upstream.hash_on_name, exchange);
  }
  if (value.empty() && upstream.hash_fallback == model::HashInput::cookie) {
    value = cookie_value(upstream, exchange);
  } else if (value.empty()) {
    value = input_value(upstream.hash_fallback, upstream.hash_fallback_name, exchange);
  }
  if (value.empty()) return std::nullopt;
  return balancer::hash_of(value);
}

}  // namespace sallyport::proxy
