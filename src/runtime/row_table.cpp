#include "runtime/row_table.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/json.h"
#include "model/schemas.h"

namespace sallyport::runtime {
namespace {

// `map` is the Model's member, `decode` the function that makes its values.
template <auto map, auto decode>
RowTable table(const char* entity) {
  using Map = std::remove_reference_t<decltype(std::declval<model::Model>().*map)>;
  using Value = typename Map::mapped_type::element_type;
  return {.entity = model::find_entity(entity),
          .take = [](model::Model& model, const std::string& id, const Json& row) -> Result<bool> {
            auto value = decode(row);
            if (!value) return fail(value.error());
            auto& slot = (model.*map)[id];
            if (slot != nullptr && *slot == *value) return false;
            slot = std::make_shared<Value>(std::move(*value));
            return true;
          },
          .erase = [](model::Model& model,
                      const std::string& id) { return (model.*map).erase(id) > 0; },
          .keep_only =
              [](model::Model& model, const std::unordered_set<std::string_view>& present) {
                return std::erase_if(model.*map, [&](const auto& entry) {
                         return !present.contains(entry.first);
                       }) > 0;
              }};
}

}  // namespace

std::span<const RowTable> row_tables() {
  using model::Model;
  static const std::array all = {
      table<&Model::services, &model::decode_service>("services"),
      table<&Model::routes, &model::decode_route>("routes"),
      table<&Model::upstreams, &model::decode_upstream>("upstreams"),
      table<&Model::targets, &model::decode_target>("targets"),
      table<&Model::plugins, &model::decode_plugin>("plugins"),
      table<&Model::consumers, &model::decode_consumer>("consumers"),
      table<&Model::key_credentials, &model::decode_key_credential>("keyauth_credentials"),
      table<&Model::basic_credentials, &model::decode_basic_credential>("basicauth_credentials"),
      table<&Model::certificates, &model::decode_certificate>("certificates"),
      table<&Model::snis, &model::decode_sni>("snis"),
      table<&Model::ca_certificates, &model::decode_ca_certificate>("ca_certificates"),
      table<&Model::acl_groups, &model::decode_acl_group>("acls"),
  };
  return all;
}

const RowTable* row_table(const model::EntitySchema* entity) {
  if (entity == nullptr) return nullptr;
  const auto all = row_tables();
  const auto found = std::ranges::find(all, entity, &RowTable::entity);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace sallyport::runtime
