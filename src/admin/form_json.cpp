#include "admin/form_json.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/text.h"

namespace sallyport::admin {
namespace {

constexpr size_t kMaxDepth = 32;

// One step of a key: ".name" or "[name]", "[3]", "[]".
struct Step {
  std::string name;
  bool append = false;
};

std::vector<Step> parse_key(std::string_view key) {
  std::vector<Step> steps;
  while (!key.empty() && steps.size() < kMaxDepth) {
    if (key.front() == '[' && !steps.empty()) {
      size_t close = key.find(']');
      if (close == std::string_view::npos) break;
      std::string_view inside = key.substr(1, close - 1);
      steps.push_back({std::string(inside), inside.empty()});
      key.remove_prefix(close + 1);
      if (key.starts_with('.')) key.remove_prefix(1);
      continue;
    }
    size_t end = key.find_first_of(".[", 1);
    if (end == std::string_view::npos) end = key.size();
    steps.push_back({std::string(key.substr(0, end))});
    key.remove_prefix(end);
    if (key.size() > 1 && key.front() == '.') key.remove_prefix(1);
  }
  // What cannot be taken apart stays one name, for validation to call unknown.
  if (!key.empty()) steps.back().name += key;
  return steps;
}

struct Node {
  std::vector<std::string> values;
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> members;

  Node& child(const Step& step) {
    if (!step.append) {
      for (auto& [name, node] : members) {
        if (name == step.name) return *node;
      }
    }
    std::string name = step.append ? std::to_string(members.size() + 1) : step.name;
    return *members.emplace_back(std::move(name), std::make_unique<Node>()).second;
  }

  // Every member is a position of a list.
  bool is_list() const {
    for (const auto& [name, node] : members) {
      auto index = text::to_integer(name);
      if (!index || *index < 0) return false;
    }
    return true;
  }

  Json json() const {
    if (members.empty()) {
      if (values.size() == 1) return values.front();
      return Json(values);
    }
    if (is_list()) {
      std::map<int64_t, const Node*> sorted;
      for (const auto& [name, node] : members) sorted.emplace(*text::to_integer(name), node.get());
      Json list = Json::array();
      for (const auto& [index, node] : sorted) list.push_back(node->json());
      return list;
    }
    return object();
  }

  Json object() const {
    Json out = Json::object();
    for (const auto& [name, node] : members) out[name] = node->json();
    return out;
  }
};

}  // namespace

Json form_json(std::span<const http::FormField> fields) {
  Node root;
  for (const http::FormField& field : fields) {
    Node* node = &root;
    for (const Step& step : parse_key(field.name)) node = &node->child(step);
    node->values.push_back(field.value);
  }
  return root.object();
}

}  // namespace sallyport::admin
