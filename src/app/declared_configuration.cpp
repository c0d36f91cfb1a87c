#include "app/declared_configuration.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "runtime/builder.h"

namespace sallyport::app {

using conf::Key;

namespace {

constexpr size_t kMaxFile = 256u << 20;

model::ChangeBatch batch_of(const model::Declaration& declaration, int64_t sequence) {
  model::ChangeBatch batch;
  batch.complete = true;
  batch.sequence = sequence;
  batch.read_at = Clock::now();
  for (const model::EntitySchema* entity : runtime::Builder::entities()) {
    for (const model::Declaration::Rows& rows : declaration.entities) {
      if (rows.entity != entity) continue;
      for (const Json& row : rows.rows) {
        batch.changes.push_back({entity, row.at("id").get<std::string>(), to_text(row)});
      }
    }
  }
  return batch;
}

}  // namespace

DeclaredConfiguration::DeclaredConfiguration(Publish publish) : publish_(std::move(publish)) {}

DeclaredConfiguration::~DeclaredConfiguration() = default;

std::string DeclaredConfiguration::configuration_hash() const {
  const std::string& hash = declaration().hash;
  return hash.empty() ? std::string(admin::kNoConfigurationHash) : hash;
}

void DeclaredConfiguration::use(model::Declaration declaration) {
  store_.replace(std::move(declaration));
  publish_(batch_of(store_.declaration(), ++sequence_));
}

Result<void> DeclaredConfiguration::read(const std::string& text, const std::string& origin) {
  auto declaration = model::read_declaration(text, static_cast<double>(unix_seconds()));
  if (!declaration) {
    return fail(
        "app.declarative", Side::config,
        fmt::format("error parsing declarative config {}:\n{}", origin, declaration.error().text()),
        "");
  }
  size_t count = declaration->size();
  use(*std::move(declaration));
  log::notice("declarative config loaded from {}: {} entities", origin, count);
  return {};
}

Result<void> DeclaredConfiguration::load(const conf::Settings& settings) {
  kept_path_ = settings.string(Key::prefix) + "/declarative.kept";
  const std::string& given = settings.string(Key::declarative_config_string);
  if (!given.empty()) return read(given, "string (declarative_config_string)");
  const std::string& path = settings.string(Key::declarative_config);
  if (!path.empty()) {
    auto text = read_file(path, kMaxFile);
    if (!text) return fail(text.error());
    return read(*text, "file " + path);
  }
  if (sequence_ > 0) return {};  // a reload: what was posted stays in use
  if (auto kept = read_file(kept_path_, kMaxFile)) {
    auto loaded = read(*kept, "file " + kept_path_);
    if (loaded) return {};
    log::error("{}; starting without a configuration", loaded.error().text());
  }
  use({});
  return {};
}

Result<void> DeclaredConfiguration::apply(model::Declaration declaration, std::string_view text) {
  // It may hold keys and secrets.
  if (auto kept = write_file_atomically(kept_path_, text, 0600); !kept) {
    log::warn("the posted configuration is in use, but not kept: {}", kept.error().text());
  }
  use(std::move(declaration));
  return {};
}

}  // namespace sallyport::app
