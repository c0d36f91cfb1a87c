#include "plugin/identities.h"

#include <algorithm>
#include <utility>

namespace sallyport::plugin {

void Identities::add(std::shared_ptr<const model::Consumer> consumer) {
  if (!consumer->username.empty()) by_name_[consumer->username] = consumer;
  consumers_[consumer->id] = std::move(consumer);
}

void Identities::add(std::shared_ptr<const model::KeyCredential> credential) {
  auto owner = consumers_.find(credential->consumer_id);
  if (owner == consumers_.end()) return;
  const std::string key = credential->key;
  keys_[key] = {std::move(credential), owner->second};
}

void Identities::add(std::shared_ptr<const model::BasicCredential> credential) {
  auto owner = consumers_.find(credential->consumer_id);
  if (owner == consumers_.end()) return;
  const std::string name = credential->username;
  usernames_[name] = {std::move(credential), owner->second};
}

void Identities::add(const model::AclGroup& group) {
  std::vector<std::string>& groups = groups_[group.consumer_id];
  groups.insert(std::ranges::lower_bound(groups, group.group), group.group);
}

const model::Consumer* Identities::consumer(std::string_view id) const {
  auto found = consumers_.find(id);
  return found == consumers_.end() ? nullptr : found->second.get();
}

const model::Consumer* Identities::consumer_called(std::string_view id_or_name) const {
  if (const model::Consumer* by_id = consumer(id_or_name)) return by_id;
  auto found = by_name_.find(id_or_name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

const Identities::Found<model::KeyCredential>* Identities::by_key(std::string_view key) const {
  auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : &found->second;
}

const Identities::Found<model::BasicCredential>* Identities::by_username(
    std::string_view username) const {
  auto found = usernames_.find(username);
  return found == usernames_.end() ? nullptr : &found->second;
}

const std::vector<std::string>& Identities::groups_of(std::string_view consumer_id) const {
  static const std::vector<std::string> kNone;
  auto found = groups_.find(consumer_id);
  return found == groups_.end() ? kNone : found->second;
}

}  // namespace sallyport::plugin
