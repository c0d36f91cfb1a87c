// Who consumers are and what they prove it with: consumers, credentials and groups as the snapshot
// holds them, indexed for the plugins that authenticate. Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/consumer.h"

namespace sallyport::plugin {

class Identities {
 public:
  template <typename T>
  struct Found {
    std::shared_ptr<const T> credential;
    std::shared_ptr<const model::Consumer> consumer;
  };

  void add(std::shared_ptr<const model::Consumer> consumer);
  // The consumers first: what belongs to nobody is left out.
  void add(std::shared_ptr<const model::KeyCredential> credential);
  void add(std::shared_ptr<const model::BasicCredential> credential);
  void add(const model::AclGroup& group);

  const model::Consumer* consumer(std::string_view id) const;
  // By id, else by username: what `anonymous` settings hold.
  const model::Consumer* consumer_called(std::string_view id_or_name) const;
  const Found<model::KeyCredential>* by_key(std::string_view key) const;
  const Found<model::BasicCredential>* by_username(std::string_view username) const;
  const std::vector<std::string>& groups_of(std::string_view consumer_id) const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  template <typename T>
  using Map = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  Map<std::shared_ptr<const model::Consumer>> consumers_;
  Map<std::shared_ptr<const model::Consumer>> by_name_;
  Map<Found<model::KeyCredential>> keys_;
  Map<Found<model::BasicCredential>> usernames_;
  Map<std::vector<std::string>> groups_;
};

}  // namespace sallyport::plugin
