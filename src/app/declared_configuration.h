// The configuration of a node without a database: a declarative file at the start, then whatever
// POST /config brings. Control thread; owned by the Server.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "admin/declared_node.h"
#include "conf/settings.h"
#include "model/change.h"
#include "model/declared_store.h"

namespace sallyport::app {

class DeclaredConfiguration final : public admin::DeclaredNode {
 public:
  using Publish = std::function<void(model::ChangeBatch)>;

  // `publish` is called with each new configuration, the first one within load().
  explicit DeclaredConfiguration(Publish publish);
  ~DeclaredConfiguration() override;

  // Reads what `settings` name: declarative_config_string, or declarative_config, or what was last
  // posted to this prefix; publishes it. Errors: "app.declarative", with every fault of the file;
  // what was in use before stays.
  Result<void> load(const conf::Settings& settings);

  const model::Declaration& declaration() const override { return store_.declaration(); }
  std::string configuration_hash() const override;
  Result<void> apply(model::Declaration declaration, std::string_view text) override;

  model::Store& store() { return store_; }

 private:
  void use(model::Declaration declaration);
  Result<void> read(const std::string& text, const std::string& origin);

  Publish publish_;
  model::DeclaredStore store_;
  std::string kept_path_;  // of what was posted
  int64_t sequence_ = 0;
};

}  // namespace sallyport::app
