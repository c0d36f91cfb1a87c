#include "model/declarative_ids.h"

#include <array>
#include <cstdint>

#include <openssl/evp.h>

#include "base/json.h"
#include "base/text.h"

namespace sallyport::model {
namespace {

using Bytes = std::array<uint8_t, 16>;

// The namespace of Kong and its tools for derived ids: fd02801f-0957-4a15-a55a-c8d9606f30b5.
constexpr Bytes kEntities = {0xfd, 0x02, 0x80, 0x1f, 0x09, 0x57, 0x4a, 0x15,
                             0xa5, 0x5a, 0xc8, 0xd9, 0x60, 0x6f, 0x30, 0xb5};

std::array<uint8_t, EVP_MAX_MD_SIZE> digest(const EVP_MD* type, std::string_view text) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), out.data(), &length, type, nullptr);
  return out;
}

// RFC 9562 section 5.5
Bytes version_5(const Bytes& space, std::string_view name) {
  std::string text(reinterpret_cast<const char*>(space.data()), space.size());
  text += name;
  auto hash = digest(EVP_sha1(), text);
  Bytes id;
  std::copy_n(hash.begin(), id.size(), id.begin());
  id[6] = static_cast<uint8_t>((id[6] & 0x0f) | 0x50);
  id[8] = static_cast<uint8_t>((id[8] & 0x3f) | 0x80);
  return id;
}

const Json* given(const Json& item, const std::string& field) {
  auto found = item.find(field);
  return found == item.end() || found->is_null() ? nullptr : &*found;
}

// As Kong writes a reference into a key: a name, or the id of {"id": …}.
std::string reference_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("id") && value["id"].is_string()) {
    return value["id"].get<std::string>();
  }
  return to_text(value);
}

std::optional<std::string> by_endpoint_key(const EntitySchema& entity, const Json& item,
                                           const std::string& parent_id) {
  const Json* name = given(item, entity.endpoint_key);
  if (name == nullptr || !name->is_string()) return std::nullopt;
  std::string key = name->get<std::string>();
  if (entity.find(entity.endpoint_key)->unique) return key;
  for (const Field& field : entity.fields) {  // unique only below its parent: targets
    if (field.type != FieldType::foreign || field.on_delete != OnDelete::cascade) continue;
    const Json* reference = given(item, field.name);
    if (parent_id.empty() && reference == nullptr) return std::nullopt;
    key += ":" + (parent_id.empty() ? reference_text(*reference) : parent_id);
  }
  return key;
}

std::optional<std::string> by_cache_key(const EntitySchema& entity, const Json& item,
                                        std::string_view child_key, const std::string& parent_id) {
  std::string key = entity.name;
  for (const std::string& name : entity.cache_key) {
    const Field* field = entity.find(name);
    const Json* value = given(item, name);
    if (field == nullptr || field->automatic) return std::nullopt;
    if (value != nullptr) {
      key += ":" + reference_text(*value);
    } else if (name == child_key) {
      key += ":" + parent_id;
    } else if (field->required) {
      return std::nullopt;
    } else {
      key += ":";
    }
  }
  return key;
}

}  // namespace

std::string declared_id(std::string_view entity, std::string_view key) {
  std::string id = text::hex(version_5(version_5(kEntities, entity), key));
  for (size_t at : {8, 13, 18, 23}) id.insert(at, "-");
  return id;
}

std::optional<std::string> declared_key(const EntitySchema& entity, const Json& item,
                                        std::string_view child_key, const std::string& parent_id) {
  if (!entity.endpoint_key.empty() && given(item, entity.endpoint_key) != nullptr) {
    return by_endpoint_key(entity, item, parent_id);
  }
  if (entity.cache_key.empty()) return std::nullopt;
  return by_cache_key(entity, item, child_key, parent_id);
}

std::string md5(std::string_view text) {
  auto hash = digest(EVP_md5(), text);
  return text::hex(std::span(hash).first(16));
}

}  // namespace sallyport::model
