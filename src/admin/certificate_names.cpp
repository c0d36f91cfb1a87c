#include "admin/certificate_names.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include <fmt/format.h>

#include "admin/fault_answers.h"
#include "base/clock.h"
#include "base/json.h"
#include "model/complete.h"
#include "model/schemas.h"

namespace sallyport::admin {

Json CertificateNames::take(const model::EntitySchema& entity, Json& row) {
  if (&entity != &model::certificates() || !row.contains("snis")) return nullptr;
  Json names = row["snis"];
  row.erase("snis");
  return names.is_array() ? names : Json(nullptr);
}

std::expected<void, Answer> CertificateNames::check(const Json& names, const Json& id) {
  for (const Json& name : names) {
    auto found = store_.find(model::snis(), "name", name.get<std::string>());
    if (!found) return std::unexpected(store_fault(model::snis(), nullptr, found.error()));
    if (!*found || (**found)["certificate"]["id"] == id) continue;
    return std::unexpected(schema_violation(
        Json{{"snis", fmt::format("{} already associated with existing certificate '{}'",
                                  name.get<std::string>(),
                                  (**found)["certificate"]["id"].get<std::string>())}}));
  }
  return {};
}

std::expected<void, Answer> CertificateNames::replace(const Json& names, const Json& id) {
  auto rows = rows_of(id.get<std::string>());
  if (!rows) return std::unexpected(std::move(rows.error()));
  Json missing = names;
  for (const Json& row : *rows) {
    auto wanted = std::ranges::find(missing, row["name"]);
    if (wanted != missing.end()) {
      missing.erase(wanted);
      continue;
    }
    auto removed = store_.remove(model::snis(), row["id"].get<std::string>());
    if (!removed) return std::unexpected(store_fault(model::snis(), nullptr, removed.error()));
  }
  for (const Json& name : missing) {
    Json row = model::complete(model::snis(), Json{{"name", name}, {"certificate", {{"id", id}}}},
                               static_cast<double>(unix_seconds()));
    auto stored = store_.insert(model::snis(), row);
    if (!stored) return std::unexpected(store_fault(model::snis(), &row, stored.error()));
  }
  return {};
}

std::expected<void, Answer> CertificateNames::add_to(const model::EntitySchema& entity, Json& row) {
  if (&entity != &model::certificates()) return {};
  auto rows = rows_of(row["id"].get<std::string>());
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::vector<std::string> names;
  for (const Json& sni : *rows) names.push_back(sni["name"].get<std::string>());
  std::ranges::sort(names);
  row["snis"] = names;
  return {};
}

std::expected<std::vector<Json>, Answer> CertificateNames::rows_of(const std::string& id) {
  std::vector<Json> rows;
  model::PageQuery query{.size = 1000, .foreign_field = "certificate", .foreign_id = id};
  do {
    auto page = store_.page(model::snis(), query);
    if (!page) return std::unexpected(store_fault(model::snis(), nullptr, page.error()));
    query.offset = page->next_offset;
    for (Json& row : page->rows) rows.push_back(std::move(row));
  } while (!query.offset.empty());
  return rows;
}

}  // namespace sallyport::admin
