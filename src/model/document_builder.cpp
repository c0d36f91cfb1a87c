#include "model/document_builder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sallyport::model {
namespace {

// The values within, and their depth, which the limits keep small.
void measure(const Json& value, size_t level, size_t& values, size_t& depth) {
  ++values;
  if (!value.is_structured()) return;
  depth = std::max(depth, level + 1);
  for (const Json& part : value) measure(part, level + 1, values, depth);
}

constexpr std::string_view kMerge = "<<";

}  // namespace

bool DocumentBuilder::at_key() const {
  return !open_.empty() && open_.back().value.is_object() && !open_.back().has_key;
}

void DocumentBuilder::count(size_t values) {
  values_ += values;
  if (values_ > limits_.values) {
    throw DocumentFault{fmt::format("more than {} values", limits_.values)};
  }
}

void DocumentBuilder::repeated(size_t values) {
  repeated_ += values;
  if (repeated_ > limits_.aliased_values) {
    throw DocumentFault{fmt::format("aliases repeat more than {} values", limits_.aliased_values)};
  }
}

void DocumentBuilder::remember(size_t anchor, const Json& value) {
  if (anchor == 0) return;
  Anchored kept{.value = value, .values = 0, .depth = 0};
  measure(value, 0, kept.values, kept.depth);
  repeated(kept.values);  // the copy costs as much as an alias
  anchors_.insert_or_assign(anchor, std::move(kept));
}

void DocumentBuilder::take_key(const Json& value) {
  Open& map = open_.back();
  if (value.is_structured()) throw DocumentFault{"a key must be a text"};
  map.key = value.is_string() ? value.get<std::string>() : to_text(value);
  map.has_key = true;
  if (map.key == kMerge) return;
  if (!map.keys.insert(map.key).second) {
    throw DocumentFault{fmt::format("the key '{}' is there twice", map.key)};
  }
  if (map.keys.size() > limits_.keys) {
    throw DocumentFault{fmt::format("a map with more than {} keys", limits_.keys)};
  }
}

void DocumentBuilder::place(Json value) {
  if (open_.empty()) {
    root_ = std::move(value);
    return;
  }
  Open& parent = open_.back();
  if (parent.value.is_array()) {
    parent.value.push_back(std::move(value));
    return;
  }
  parent.has_key = false;
  if (parent.key != kMerge) {
    parent.value.get_ref<Json::object_t&>().emplace_back(parent.key, std::move(value));
    return;
  }
  bool list = value.is_array();
  for (Json& source : list ? value : Json::array({value})) {
    if (!source.is_object()) throw DocumentFault{"'<<' takes a map or a list of maps"};
    parent.merged.push_back(source);
  }
}

void DocumentBuilder::scalar(Json value, size_t anchor) {
  count(1);
  remember(anchor, value);
  if (at_key()) return take_key(value);
  place(std::move(value));
}

void DocumentBuilder::begin(Json::value_t type, size_t anchor) {
  count(1);
  if (at_key()) throw DocumentFault{"a key must be a text"};
  if (open_.size() >= static_cast<size_t>(limits_.depth)) {
    throw DocumentFault{fmt::format("nested deeper than {}", limits_.depth)};
  }
  open_.push_back({.value = Json(type),
                   .anchor = anchor,
                   .key = {},
                   .has_key = false,
                   .keys = {},
                   .merged = {}});
}

void DocumentBuilder::end() {
  Open done = std::move(open_.back());
  open_.pop_back();
  for (Json& source : done.merged) {
    for (auto& [key, value] : source.get_ref<Json::object_t&>()) {
      if (!done.keys.insert(key).second) continue;  // the map's own keys win
      if (done.keys.size() > limits_.keys) {
        throw DocumentFault{fmt::format("a map with more than {} keys", limits_.keys)};
      }
      done.value.get_ref<Json::object_t&>().emplace_back(key, std::move(value));
    }
  }
  remember(done.anchor, done.value);
  place(std::move(done.value));
}

void DocumentBuilder::alias(size_t anchor) {
  auto found = anchors_.find(anchor);
  if (found == anchors_.end()) throw DocumentFault{"an alias within what it stands for"};
  const Anchored& anchored = found->second;
  if (open_.size() + anchored.depth > static_cast<size_t>(limits_.depth)) {
    throw DocumentFault{fmt::format("nested deeper than {}", limits_.depth)};
  }
  repeated(anchored.values);
  count(anchored.values);
  if (at_key()) return take_key(anchored.value);
  place(anchored.value);
}

}  // namespace sallyport::model
