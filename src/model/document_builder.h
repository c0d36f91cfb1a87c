// Puts a JSON value together from the events of a parser, within limits. Used by the two readers of
// declarative_document.cpp only.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/json.h"
#include "model/declarative_document.h"

namespace sallyport::model {

// What is wrong with the text, thrown through the parsers and caught in read_document().
struct DocumentFault {
  std::string text;
};

class DocumentBuilder {
 public:
  explicit DocumentBuilder(const DocumentLimits& limits) : limits_(limits) {}

  // `anchor` 0: none. In a map, every other event is a key. They throw DocumentFault.
  void scalar(Json value, size_t anchor = 0);
  void begin(Json::value_t type, size_t anchor = 0);
  void end();
  void alias(size_t anchor);

  bool at_key() const;
  Json take() { return std::move(root_); }

 private:
  struct Open {
    Json value;
    size_t anchor = 0;
    std::string key;
    bool has_key = false;
    std::unordered_set<std::string> keys;
    std::vector<Json> merged;  // of `<<`
  };

  struct Anchored {
    Json value;
    size_t values = 1;
    size_t depth = 0;
  };

  void count(size_t values);
  void repeated(size_t values);
  void remember(size_t anchor, const Json& value);
  void place(Json value);
  void take_key(const Json& value);

  const DocumentLimits& limits_;
  Json root_;
  std::vector<Open> open_;
  std::unordered_map<size_t, Anchored> anchors_;
  size_t values_ = 0;
  size_t repeated_ = 0;  // by anchors and aliases
};

}  // namespace sallyport::model
