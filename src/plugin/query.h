// Query strings as plugins change them: what they do not touch stays byte by byte. Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sallyport::plugin {

class Query {
 public:
  explicit Query(std::string_view text);

  std::vector<std::string> values(std::string_view name) const;  // decoded
  bool has(std::string_view name) const;
  void remove(std::string_view name);
  void rename(std::string_view from, std::string_view to);
  void set(std::string_view name, std::string_view value);  // in place of all of that name
  void add(std::string_view name, std::string_view value);

  std::string text() const;

 private:
  struct Part {
    std::string raw;
    std::string name;  // decoded
    std::string value;
  };
  static Part part_of(std::string_view name, std::string_view value);
  std::vector<Part> parts_;
};

// Everything but letters, digits and -._~ as %XX.
std::string percent_encode(std::string_view text);
// '+' stands for a space; broken escapes stay as they are.
std::string percent_decode(std::string_view text);

}  // namespace sallyport::plugin
