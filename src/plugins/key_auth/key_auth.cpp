#include "plugins/key_auth/key_auth.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "model/row_reader.h"
#include "plugin/body_kind.h"
#include "plugin/json_object.h"
#include "plugin/query.h"

namespace sallyport::plugins::key_auth {
namespace {

using plugin::Exchange;
using plugin::Response;
using plugin::Step;

using plugin::BodyKind;

BodyKind kind_of_body(const Exchange& exchange) {
  return plugin::body_kind(exchange.headers.get("content-type").value_or(""));
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
  // Not for a key that stands in front of it, unless another may have to be taken out.
  bool reads_body(const Exchange& exchange) const override {
    if (!in_body_ || passes(exchange)) return false;
    const BodyKind kind = kind_of_body(exchange);
    if (kind != BodyKind::json && kind != BodyKind::form) return false;
    return hide_ || std::ranges::all_of(names_, [&](const std::string& name) {
             return find(exchange, name).empty();
           });
  }

  Step access(Exchange& exchange) const override {
    if (passes(exchange)) return Step::next();
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
  // Without being asked for a key.
  bool passes(const Exchange& exchange) const {
    if (!on_preflight_ && exchange.method == "OPTIONS") return true;
    // With `anonymous`, another plugin's success is enough.
    return !anonymous_.empty() && exchange.authenticated() && !exchange.anonymous;
  }

  // "" or why not.
  std::string_view authenticate(Exchange& exchange) const {
    std::vector<std::string> keys;
    for (const std::string& name : names_) {
      keys = find(exchange, name);
      if (keys.empty() && in_body_) keys = find_in_body(exchange, name);
      if (!keys.empty()) break;
    }
    // Wherever the key was: a second copy is as good as the first.
    if (hide_ && !keys.empty()) {
      for (const std::string& name : names_) hide(exchange, name);
    }
    if (keys.size() > 1) return "Duplicate API key found";
    if (keys.empty() || keys.front().empty()) return "No API key found in request";
    const auto* found = exchange.identities->by_key(keys.front());
    if (found == nullptr) return "Unauthorized";
    plugin::authenticate(exchange, found->consumer.get(), found->credential->id,
                         found->credential->id);
    return "";
  }

  // In front of the body.
  std::vector<std::string> find(const Exchange& exchange, const std::string& name) const {
    std::vector<std::string> keys;
    if (in_header_) {
      for (std::string_view value : exchange.headers.all(name)) keys.emplace_back(value);
    }
    if (keys.empty() && in_query_) keys = plugin::Query(exchange.current_query()).values(name);
    return keys;
  }

  static std::vector<std::string> find_in_body(const Exchange& exchange, const std::string& name) {
    if (!exchange.body) return {};
    if (kind_of_body(exchange) == BodyKind::form) return plugin::Query(*exchange.body).values(name);
    if (kind_of_body(exchange) != BodyKind::json) return {};
    const auto object = plugin::JsonObject::parse(*exchange.body);
    auto key = object ? object->string(name) : std::nullopt;
    return key ? std::vector<std::string>{*std::move(key)} : std::vector<std::string>();
  }

  void hide(Exchange& exchange, const std::string& name) const {
    if (exchange.headers.get(name)) exchange.headers.remove(name);
    plugin::Query query(exchange.current_query());
    if (query.has(name)) {
      query.remove(name);
      exchange.new_query = query.text();
    }
    if (!in_body_ || !exchange.body) return;
    if (kind_of_body(exchange) == BodyKind::form) {
      plugin::Query form(*exchange.body);
      if (!form.has(name)) return;
      form.remove(name);
      replace(exchange, form.text());
    } else if (kind_of_body(exchange) == BodyKind::json) {
      auto object = plugin::JsonObject::parse(*exchange.body);
      if (!object || !object->has(name)) return;
      object->remove(name);
      replace(exchange, object->text());
    }
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
