#include "plugins/request_transformer/request_transformer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "model/row_reader.h"
#include "plugin/body_kind.h"
#include "plugin/query.h"
#include "plugins/request_transformer/body_fields.h"
#include "plugins/request_transformer/template.h"

namespace sallyport::plugins::request_transformer {
namespace {

using plugin::Exchange;
using plugin::Step;

using Names = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, Template>>;

// "name:value"
Pairs pairs(const Names& texts) {
  Pairs out;
  for (const std::string& text : texts) {
    const size_t colon = std::min(text.find(':'), text.size());
    out.emplace_back(text.substr(0, colon),
                     Template(std::string_view(text).substr(std::min(colon + 1, text.size()))));
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> names(const Names& texts) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& text : texts) {
    const size_t colon = text.find(':');
    if (colon != text.npos) out.emplace_back(text.substr(0, colon), text.substr(colon + 1));
  }
  return out;
}

// What is to be done to one part of requests, in Kong's order.
struct Changes {
  Names remove;
  std::vector<std::pair<std::string, std::string>> rename;
  Pairs replace, add, append;

  bool empty() const {
    return remove.empty() && rename.empty() && replace.empty() && add.empty() && append.empty();
  }
  bool may_set(std::string_view name) const {
    auto gives = [name](const auto& change) {
      return text::equals_ignore_case(change.first, name);
    };
    return std::ranges::any_of(replace, gives) || std::ranges::any_of(add, gives) ||
           std::ranges::any_of(append, gives) ||
           std::ranges::any_of(rename, [name](const auto& change) {
             return text::equals_ignore_case(change.second, name);
           });
  }
};

Changes changes(const Json& config, const char* part) {
  auto list = [&](const char* action) {
    Names out;
    if (!config.contains(action) || !config[action].is_object()) return out;
    model::RowReader(config[action]).texts(part, out);
    return out;
  };
  return {.remove = list("remove"),
          .rename = names(list("rename")),
          .replace = pairs(list("replace")),
          .add = pairs(list("add")),
          .append = pairs(list("append"))};
}

// `target` has has, remove, rename, set and append.
template <typename Target>
void apply(const Changes& changes, const Exchange& exchange, Target& target) {
  for (const std::string& name : changes.remove) target.remove(name);
  for (const auto& [from, to] : changes.rename) target.rename(from, to);
  for (const auto& [name, value] : changes.replace) {
    if (!target.has(name)) continue;
    if (const auto text = value.fill(exchange)) target.set(name, *text);
  }
  for (const auto& [name, value] : changes.add) {
    if (target.has(name)) continue;
    if (const auto text = value.fill(exchange)) target.set(name, *text);
  }
  for (const auto& [name, value] : changes.append) {
    if (const auto text = value.fill(exchange)) target.append(name, *text);
  }
}

struct HeaderTarget {
  plugin::Fields& fields;
  bool has(std::string_view name) const { return fields.get(name).has_value(); }
  void remove(std::string_view name) const {
    if (has(name)) fields.remove(name);
  }
  void rename(std::string_view from, std::string_view to) const { fields.rename(from, to); }
  void set(std::string_view name, std::string_view value) const { fields.set(name, value); }
  void append(std::string_view name, std::string_view value) const { fields.add(name, value); }
};

struct QueryTarget {
  plugin::Query& query;
  bool has(std::string_view name) const { return query.has(name); }
  void remove(std::string_view name) const { query.remove(name); }
  void rename(std::string_view from, std::string_view to) const { query.rename(from, to); }
  void set(std::string_view name, std::string_view value) const { query.set(name, value); }
  void append(std::string_view name, std::string_view value) const { query.add(name, value); }
};

class RequestTransformer final : public plugin::Plugin {
 public:
  explicit RequestTransformer(const Json& config)
      : headers_(changes(config, "headers")),
        query_(changes(config, "querystring")),
        body_(changes(config, "body")) {
    model::RowReader row(config);
    row.text("http_method", method_);
    if (config.contains("replace") && config["replace"].is_object()) {
      std::string uri;
      model::RowReader(config["replace"]).text("uri", uri);
      if (!uri.empty()) uri_.emplace(uri);
    }
  }

  plugin::Phases phases() const override { return {.access = true}; }
  // By the type that it will have by then.
  bool reads_body(const Exchange& exchange) const override {
    if (body_.empty()) return false;
    const auto type = exchange.headers.get("content-type");
    return plugin::body_kind(type.value_or("")) != plugin::BodyKind::other ||
           headers_.may_set("content-type");
  }

  Step access(Exchange& exchange) const override {
    // The values are those of the request as it came to this plugin.
    if (uri_) {
      if (auto path = uri_->fill(exchange)) exchange.new_path = std::move(path);
    }
    if (!headers_.empty()) {
      HeaderTarget target{exchange.headers};
      apply(headers_, exchange, target);
    }
    if (!query_.empty()) {
      plugin::Query query(exchange.current_query());
      QueryTarget target{query};
      apply(query_, exchange, target);
      exchange.new_query = query.text();
    }
    if (!body_.empty() && exchange.body) change_body(exchange);
    if (!method_.empty()) exchange.new_method = method_;
    return Step::next();
  }

 private:
  void change_body(Exchange& exchange) const {
    const auto fields = BodyFields::of(exchange);
    if (fields == nullptr) return;
    apply(body_, exchange, *fields);
    exchange.body = fields->text();
    exchange.body_changed = true;
  }

  Changes headers_, query_, body_;
  std::optional<Template> uri_;
  std::string method_;
};

}  // namespace

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
  return std::make_unique<const RequestTransformer>(instance.config);
}

}  // namespace sallyport::plugins::request_transformer
