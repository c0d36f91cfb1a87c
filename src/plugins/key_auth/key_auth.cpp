#include "plugins/key_auth/key_auth.h"

#include <optional>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "model/row_reader.h"
#include "plugin/query.h"

namespace sallyport::plugins::key_auth {
namespace {

using plugin::Exchange;
using plugin::Response;
using plugin::Step;

bool is_json(const Exchange& exchange) {
  auto type = exchange.headers.get("content-type");
  return type && type->find("json") != std::string_view::npos;
}

class KeyAuth final : public plugin::Plugin {
 public:
  explicit KeyAuth(model::RowReader& config) {
    config.texts("key_names", names_);
    config.flag("hide_credentials", hide_);
    config.text("anonymous", anonymous_);
    config.flag("key_in_header", in_header_);
    config.flag("key_in_query", in_query_);
    config.flag("key_in_body", in_body_);
    config.flag("run_on_preflight", on_preflight_);
    std::string realm;
    config.text("realm", realm);
    challenge_ = realm.empty() ? "Key" : "Key realm=\"" + realm + "\"";
  }

  plugin::Phases phases() const override { return {.access = true}; }
  bool reads_body(const Exchange&) const override { return in_body_; }

  Step access(Exchange& exchange) const override {
    if (!on_preflight_ && exchange.method == "OPTIONS") return Step::next();
    // With `anonymous`, another plugin's success is enough.
    if (!anonymous_.empty() && exchange.authenticated() && !exchange.anonymous) return Step::next();
    std::string_view refusal = authenticate(exchange);
    if (refusal.empty()) return Step::next();
    if (!anonymous_.empty()) {
      if (plugin::let_through_as(exchange, anonymous_)) return Step::next();
      return Step::respond(plugin::message(500, "the anonymous consumer does not exist"));
    }
    Response response = plugin::message(401, refusal);
    response.headers.emplace_back("WWW-Authenticate", challenge_);
    return Step::respond(std::move(response));
  }

 private:
  // "" or why not.
  std::string_view authenticate(Exchange& exchange) const {
    std::vector<std::string> keys;
    for (const std::string& name : names_) {
      keys = find(exchange, name);
      if (!keys.empty()) break;
    }
    if (keys.size() > 1) return "Duplicate API key found";
    if (keys.empty() || keys.front().empty()) return "No API key found in request";
    const auto* found = exchange.identities->by_key(keys.front());
    if (found == nullptr) return "Unauthorized";
    plugin::authenticate(exchange, found->consumer.get(), found->credential->id,
                         found->credential->id);
    return "";
  }

  std::vector<std::string> find(Exchange& exchange, const std::string& name) const {
    std::vector<std::string> keys;
    if (in_header_) {
      for (std::string_view value : exchange.headers.all(name)) keys.emplace_back(value);
      if (!keys.empty()) {
        if (hide_) exchange.headers.remove(name);
        return keys;
      }
    }
    if (in_query_) {
      plugin::Query query(exchange.current_query());
      keys = query.values(name);
      if (!keys.empty()) {
        if (hide_) {
          query.remove(name);
          exchange.new_query = query.text();
        }
        return keys;
      }
    }
    return in_body_ ? find_in_body(exchange, name) : keys;
  }

  std::vector<std::string> find_in_body(Exchange& exchange, const std::string& name) const {
    if (!exchange.body) return {};
    if (is_json(exchange)) {
      Json body = parse_json(*exchange.body);
      if (!body.is_object() || !body.contains(name) || !body[name].is_string()) return {};
      std::string key = body[name].get<std::string>();
      if (hide_) {
        body.erase(name);
        replace(exchange, to_text(body));
      }
      return {key};
    }
    auto type = exchange.headers.get("content-type");
    if (!type || !type->starts_with("application/x-www-form-urlencoded")) return {};
    plugin::Query form(*exchange.body);
    auto keys = form.values(name);
    if (!keys.empty() && hide_) {
      form.remove(name);
      replace(exchange, form.text());
    }
    return keys;
  }

  static void replace(Exchange& exchange, std::string body) {
    exchange.body = std::move(body);
    exchange.body_changed = true;
  }

  std::vector<std::string> names_ = {"apikey"};
  std::string anonymous_, challenge_;
  bool hide_ = false;
  bool in_header_ = true;
  bool in_query_ = true;
  bool in_body_ = false;
  bool on_preflight_ = true;
};

}  // namespace

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
  model::RowReader config(instance.config);
  auto made = std::make_unique<const KeyAuth>(config);
  if (auto sound = config.verdict("plugins", std::string(instance.id)); !sound) {
    return fail(sound.error());
  }
  return made;
}

}  // namespace sallyport::plugins::key_auth
