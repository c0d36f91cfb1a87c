// A JSON object as plugins change it: the members at its top, by name. What they do not touch stays
// byte by byte, so that no number loses a digit and no text is refused that another reader would
// take: numbers of any size, nesting of any depth, strings that are not UTF-8. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::plugin {

class JsonObject {
 public:
  // Nothing when the text is no JSON, or no object.
  static std::optional<JsonObject> parse(std::string_view text);

  // A name that stands there more than once is one field: changed, renamed and removed as such.
  bool has(std::string_view name) const;
  // The value when it is a string; of several the last.
  std::optional<std::string> string(std::string_view name) const;
  void remove(std::string_view name);
  void rename(std::string_view from, std::string_view to);  // in place of another of that name
  // Values are JSON texts.
  void set(std::string_view name, std::string_view value);
  // Behind the elements of an array, which any other value is made; "null" counts as nothing.
  void append(std::string_view name, std::string_view value);

  bool changed() const { return changed_; }
  // As it was parsed, until the first change.
  std::string text() const;

 private:
  struct Member {
    std::string raw_name;  // with its quotes
    std::string name;
    std::string value;
  };
  Member* last(std::string_view name);
  const Member* last(std::string_view name) const;

  std::string original_;
  std::string behind_;  // a zero and what follows it
  std::vector<Member> members_;
  bool changed_ = false;
};

// The elements of a JSON array, as they are written; nothing when the text is no JSON, or no array.
std::optional<std::vector<std::string_view>> json_elements(std::string_view text);

}  // namespace sallyport::plugin
