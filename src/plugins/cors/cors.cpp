#include "plugins/cors/cors.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/text.h"
#include "http/authority.h"
#include "model/row_reader.h"
#include "router/pattern.h"

namespace sallyport::plugins::cors {
namespace {

using plugin::Exchange;
using plugin::Response;
using plugin::Step;
using Headers = std::vector<std::pair<std::string, std::string>>;

// The origin that a client or a setting names: scheme, host and a port that is not the scheme's
// own.
struct Named {
  std::string text;
  std::string host;  // the whole text where there is no scheme
};

Named named(std::string_view origin) {
  const size_t mark = origin.find("://");
  if (mark == origin.npos) return {std::string(origin), std::string(origin)};
  const std::string_view scheme = origin.substr(0, mark);
  std::string_view rest = origin.substr(mark + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  const auto authority = http::split_authority(rest);
  if (!authority) return {std::string(origin), std::string(origin)};
  Named out{std::string(scheme) + "://" + std::string(authority->host),
            std::string(authority->host)};
  const int usual = text::equals_ignore_case(scheme, "http")    ? 80
                    : text::equals_ignore_case(scheme, "https") ? 443
                                                                : 0;
  if (authority->port != 0 && authority->port != usual)
    out.text += ':' + std::to_string(authority->port);
  return out;
}

// An origin as it is written, or a regular expression for it.
struct Origin {
  std::string text;
  std::string normal;
  std::shared_ptr<const router::Pattern> pattern;  // null: as it is written
  bool of_host = false;                            // the pattern is for the host alone

  bool matches(const Named& origin) const {
    if (pattern == nullptr) return text::equals_ignore_case(origin.text, normal);
    return pattern->match(of_host ? origin.host : origin.text).matched();
  }
};

bool is_plain(std::string_view origin) {
  return std::ranges::all_of(origin, [](char c) {
    return (c >= '0' && c <= '9') || (text::lower(c) >= 'a' && text::lower(c) <= 'z') ||
           std::string_view(".:/-").find(c) != std::string_view::npos;
  });
}

class Cors final : public plugin::Plugin {
 public:
  static Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
    auto made = std::make_unique<Cors>();
    model::RowReader config(instance.config);
    std::vector<std::string> origins;
    config.texts("origins", origins);
    config.texts("headers", made->headers_);
    config.texts("exposed_headers", made->exposed_);
    config.texts("methods", made->methods_);
    double age = -1;
    config.number("max_age", age);
    if (age >= 0) made->max_age_ = std::to_string(static_cast<int64_t>(age));
    config.flag("credentials", made->credentials_);
    config.flag("private_network", made->private_network_);
    config.flag("preflight_continue", made->preflight_continue_);
    config.flag("allow_origin_absent", made->origin_absent_);
    if (auto sound = config.verdict("plugins", std::string(instance.id)); !sound) {
      return fail(sound.error());
    }
    for (const std::string& text : origins) {
      if (text == "*") made->any_ = true;
      Origin origin{text, named(text).text, nullptr, text.find(':') == text.npos};
      if (text != "*" && !is_plain(text)) {
        // As it is, for its faults; then held to the end of the subject, every alternative of it.
        auto pattern = router::Pattern::compile(text, router::Pattern::Kind::path);
        if (pattern) {
          pattern = router::Pattern::compile("(?:" + text + ")$", router::Pattern::Kind::path);
        }
        if (!pattern) return fail(pattern.error());
        origin.pattern = *std::move(pattern);
      }
      made->origins_.push_back(std::move(origin));
    }
    made->any_ |= origins.empty();
    return made;
  }

  plugin::Phases phases() const override { return {.access = true, .header_filter = true}; }

  Step access(Exchange& exchange) const override {
    const bool preflight = exchange.method == "OPTIONS" && exchange.headers.get("Origin") &&
                           exchange.headers.get("Access-Control-Request-Method");
    if (!preflight) return Step::next();
    // Its answer is the upstream's, or complete here.
    exchange.keep(this, "preflight");
    if (preflight_continue_) return Step::next();
    Response response{.status = 200};
    response.headers = origin_headers(exchange);
    const auto asked = exchange.headers.get("Access-Control-Request-Headers");
    const std::string headers =
        headers_.empty() ? std::string(asked.value_or("")) : text::join(headers_, ",");
    if (!headers.empty()) response.headers.emplace_back("Access-Control-Allow-Headers", headers);
    response.headers.emplace_back("Access-Control-Allow-Methods", text::join(methods_, ","));
    if (!max_age_.empty()) response.headers.emplace_back("Access-Control-Max-Age", max_age_);
    if (private_network_ &&
        exchange.headers.get("Access-Control-Request-Private-Network") == "true") {
      response.headers.emplace_back("Access-Control-Allow-Private-Network", "true");
    }
    return Step::respond(std::move(response));
  }

  void header_filter(Exchange& exchange) const override {
    if (exchange.kept(this) != nullptr) return;
    if (!origin_absent_ && !exchange.headers.get("Origin")) return;
    plugin::Fields& fields = exchange.response_headers;
    const Headers headers = origin_headers(exchange);
    if (!allowed(headers) && fields.get("Access-Control-Allow-Origin")) {
      fields.remove("Access-Control-Allow-Origin");
    }
    for (const auto& [name, value] : headers) {
      if (name == "Vary") {
        const auto all = fields.all("Vary");
        const bool there = std::ranges::any_of(all, [](std::string_view field) {
          return text::lower(field).find("origin") != std::string::npos;
        });
        if (!there) fields.add(name, value);
      } else {
        fields.set(name, value);
      }
    }
    if (!exposed_.empty()) {
      fields.set("Access-Control-Expose-Headers", text::join(exposed_, ","));
    }
  }

 private:
  static bool allowed(const Headers& headers) {
    return std::ranges::any_of(
        headers, [](const auto& h) { return h.first == "Access-Control-Allow-Origin"; });
  }

  Headers origin_headers(const Exchange& exchange) const {
    const std::string origin(exchange.headers.get("Origin").value_or(""));
    Headers out;
    if (any_) {
      const bool echo = credentials_ && !origin.empty();
      out.emplace_back("Access-Control-Allow-Origin", echo ? origin : "*");
      if (!credentials_) return out;
      if (echo) out.emplace_back("Vary", "Origin");
      if (echo) out.emplace_back("Access-Control-Allow-Credentials", "true");
      return out;
    }
    out.emplace_back("Vary", "Origin");
    const Named asking = named(origin);
    if (origins_.size() == 1 && origins_.front().pattern == nullptr) {
      out.emplace_back("Access-Control-Allow-Origin", origins_.front().text);
    } else if (std::ranges::any_of(origins_, [&](const Origin& o) { return o.matches(asking); })) {
      out.emplace_back("Access-Control-Allow-Origin", asking.text);
    }
    if (credentials_) out.emplace_back("Access-Control-Allow-Credentials", "true");
    return out;
  }

  std::vector<Origin> origins_;
  std::vector<std::string> headers_, exposed_;
  std::vector<std::string> methods_ = {"GET",    "HEAD",    "PUT",   "PATCH",  "POST",
                                       "DELETE", "OPTIONS", "TRACE", "CONNECT"};
  std::string max_age_;
  bool any_ = false;
  bool credentials_ = false;
  bool private_network_ = false;
  bool preflight_continue_ = false;
  bool origin_absent_ = true;
};

}  // namespace

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
  return Cors::make(instance);
}

}  // namespace sallyport::plugins::cors
